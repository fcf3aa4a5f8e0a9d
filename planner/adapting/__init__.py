"""The plan as a policy: what to sign now, what to leave open, and at which sign to act.

    options       what may be chosen                  reviews       months at which the company may decide again
    known         what is known at a review           nodes         futures grouped by what is known
    staged_model  the model of a plan by stages       policy_tree   its copies over the nodes, as a tree of blocks
    levels        a policy's levels, path by path     decisions     what is signed now, left open, never
    signs         the figure that tells when to act   waiting       what it is worth to sign now, or to wait
    adapt         all of it, in order                 policy        the answer, with its tables
"""
