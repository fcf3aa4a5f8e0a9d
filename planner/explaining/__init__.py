"""Why a case has no plan, why a plan has no end, and why something is in a plan or out of it."""
