"""The workbook: the results as sheets that calculate, beside the case that can be planned again."""
