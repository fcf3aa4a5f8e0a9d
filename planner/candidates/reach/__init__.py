"""How large the model of a case becomes, from its tables alone, before anything is built."""
