"""Mixed-integer programmes over a tree of nodes: decisions now, decisions later, once more is known; nothing here knows of sites.

    tree_model    what a caller builds, node by node          blocks      its numbers, checked
    measure       mean and CVaR as columns and rows of a tree extensive   a tree as one model, whole
    parts         a tree cut into groups of paths             ascent      their bound, raised
    policies      answers from what the parts would do        solve       which of these, in which order
"""
