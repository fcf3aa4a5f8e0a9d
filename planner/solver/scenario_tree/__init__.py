"""Mixed-integer programmes over a tree of nodes: decisions now, decisions later, once more is known.

    tree_model    what a caller builds, node by node          blocks      its numbers, checked
    measure       mean and CVaR as columns and rows of a tree extensive   a tree as one model, whole
    parts         a tree cut into groups of paths             ascent      their bound at some prices
    bundle        better prices                               policies    answers from what the parts would do
    components    a model that falls apart                    engine      which solver a model goes to
    solve         which of these, in which order              answer      what comes of it, by node

The tree is plain arrays (`tree`); a caller sees `TreeModel`, `MeanCvar`, `solve_tree` and `solution.TreeSolution`.
"""
