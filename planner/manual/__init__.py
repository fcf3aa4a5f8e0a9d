"""The manual: its pages, in order, and what is filled in from declarations."""
