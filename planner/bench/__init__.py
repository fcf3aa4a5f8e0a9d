"""What this machine does: each figure measured beside what it is compared with, in one run."""
