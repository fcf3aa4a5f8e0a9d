"""What is taken into the meeting: one page and one workbook of a run, and its figures."""
