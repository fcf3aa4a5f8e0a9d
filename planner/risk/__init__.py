"""Plans that weigh expected NPV against the worst futures, out of pools of any size, with a certificate."""
