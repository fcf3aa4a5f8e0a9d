"""What changes as a number or a named stress changes: the plan held, and the plan redone with foresight."""
