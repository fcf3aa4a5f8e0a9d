"""What the files of results hold: the columns of each with unit and meaning, declared once.

A name may hold parts in angle brackets: `npv_<stress>_usd` stands for a column for each stress.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ResultColumn:
    """One column of a file of results."""

    name: str
    unit: str
    meaning: str

    def covers(self, column: str) -> bool:
        """Whether this is the declaration of a column of a file."""
        parts = re.split(r"<[a-z ]+>", self.name)
        return re.fullmatch(".+".join(re.escape(part) for part in parts), column) is not None


@dataclass(frozen=True)
class ResultFile:
    """One file of results: the verb that writes it, its name in the folder, what a row is, and its columns."""

    verb: str
    name: str
    row: str
    columns: tuple[ResultColumn, ...]

    def column(self, name: str) -> ResultColumn | None:
        """The declaration of a column as it stands in a file: one of its very name, else one that stands for it."""
        exact = [column for column in self.columns if column.name == name]
        return next(iter(exact or [column for column in self.columns if column.covers(name)]), None)


C = ResultColumn
_SITE = C("site_id", "name", "the site; blank where it is no site's")
_GPU = C("gpu_id", "name", "the SKU")
_LEASE = C("lease_id", "name", "the lease; blank for none")
_TRANCHE = C("tranche", "name", "the tranche of the lease; blank where it comes at once")
_PATH = C("power_path", "name", "phase of power, or one phase until another is energised")
_INTERRUPTIBLE = C("interruptible", "1 or 0", "1 on the part of its power that may be curtailed, 0 on the firm part")
_CANDIDATE = C("candidate_id", "name", "the candidate, as `candidates.parquet` names it")
_LEVEL = C("level", "units of the candidate", "how much of it is held")
_DECIDE_BY = C("decide_by", "YYYY-MM", "last month in which to commit")
_FROM = C("from", "YYYY-MM", "first month")
_TO = C("to", "YYYY-MM", "last month")
_FAMILY = C("family", "name", "family of limits")
_LIMIT_NAME = C("name", "name", "the limit: what it is of")
_BUNDLE_PARTS = (
    C("own", "candidate_id", "the GPU bought"),
    C("retire", "candidate_id", "its sale before the end of its life; blank for none"),
    C("serve", "candidate_id", "its first lease; blank for none"),
    C("renew", "candidate_id", "the next term of that lease; blank for none"),
    C("then_serve", "candidate_id", "its second lease; blank for none"),
    C("then_renew", "candidate_id", "the next term of that lease; blank for none"),
    C("tier", "number", "tier of the market in between; 0 for idle"),
    C("head", "source:phase", "phase that feeds it on the market"),
    C("then", "source:phase", "phase that feeds it after that one; blank for none"),
)

DECISIONS = ResultFile("plan", "decisions.csv", "a decision", (
    _DECIDE_BY,
    C("decision", "word", "open site, build link, contract power, build halls, rent halls or order GPUs"),
    _SITE,
    C("name", "name", "the phase, SKU or link"),
    C("amount", "see unit", "how much is new"),
    C("unit", "word", "unit of the amount"),
    C("commits_usd", "$", "dollars before tax, undiscounted, that can no longer be avoided"),
))

ALLOCATION = ResultFile("plan", "allocation.csv", "a cluster, a hosted hall, or a window on demand or of mining", (
    _SITE, _PATH, _INTERRUPTIBLE, _GPU,
    C("use", "word", "serve, renew (a next term), host, sell (on demand) or mine"),
    _LEASE,
    C("customer_id", "name", "the customer of the lease"),
    C("tier", "number", "tier of the rate or of the market; 0 for none"),
    C("rate", "see rate_unit", "first rate of a lease, of a next term, or the mean price of the window"),
    C("rate_unit", "word", "usd_per_gpu_hour, usd_per_kw_month or usd_per_mwh"),
    C("gpus", "GPUs", "GPUs at work"),
    C("it_mw", "MW of critical IT", "critical IT at work"),
    _FROM, _TO, _DECIDE_BY,
    C("npv_usd", "$", "its NPV after tax"),
    C("income_pv_usd", "$", "its income, discounted, before tax"),
    _TRANCHE,
))

POWER = ResultFile("plan", "power.csv", "a phase of power, contracted or not", (
    _SITE,
    C("phase", "source:phase", "the phase"),
    C("kind", "word", "technology"),
    C("contracted_mw", "MW of contracted power", "contracted at energisation"),
    C("ended_early_mw", "MW of contracted power", "how much of it is ended before `to`"),
    C("guaranteed_mw", "MW of contracted power", "firm power of the whole phase"),
    C("installed_mw", "MW installed", "plant behind it"),
    C("promised", "YYYY-MM", "month promised for its first power"),
    C("energised", "YYYY-MM", "month in which the plan expects it"),
    C("to", "YYYY-MM", "last month of its contract"),
    C("peak_use_mw", "MW of contracted power", "most ever in use"),
    C("firm_mw", "MW of contracted power", "what of the contracted MW is never curtailed"),
    C("peak_curtailable_use_mw", "MW of contracted power", "most ever in use by what is interruptible"),
    C("curtailed_mwh", "MWh", "the same MW times the hours in which they are curtailed, over all months"),
    C("fee_usd_per_kw_month", "$ per kW-month", "capacity fee of the first contract year"),
    _DECIDE_BY,
))

CASHFLOW = ResultFile("plan", "cashflow.csv", "a line of a site in a period", (
    C("site_id", "name", "the site; (company) where it is no site's"),
    C("line", "word", "line of the statement; positive is money in"),
    C("period", "YYYY-MM, YYYY-MM+12", "a month; in the tail twelve months from one on"),
    C("month", "months", "first month of the period; 0 is the start of the case"),
    C("usd", "$", "undiscounted dollars"),
))

_PORTFOLIO_COLUMNS = (
    _CANDIDATE,
    C("kind", "word", "kind of candidate: open, shell, power, own, serve, sell and others"),
    _LEVEL,
    C("unit", "word", "unit of the level"),
    C("npv_usd", "$", "NPV after tax at that level"),
    _DECIDE_BY, _SITE, _GPU, _LEASE,
    C("phase", "source:phase", "phase at the head of its power path"),
    C("then_phase", "source:phase", "phase that follows it, or backup behind it; blank for none"),
    _INTERRUPTIBLE,
    C("tier", "number", "tier of the rate or of the market; 0 for none"),
    _FROM, _TO,
    C("of", "candidate_id", "what it ends or goes on from: the purchase of a sale, the lease of a next term"),
    _TRANCHE,
)
PORTFOLIO = ResultFile("plan", "portfolio.csv", "a candidate held", _PORTFOLIO_COLUMNS)

PRICES = ResultFile("plan", "prices.csv", "a stated question about something scarce", (
    C("question", "words", "what is asked"),
    C(
        "resource", "word",
        "what it is asked of: phase, delivery, capital, cash floor, customer share, lease, hall, fabric",
    ),
    _SITE,
    C("name", "name", "the phase, lease, SKU, quarter, link, or CUSTOMER:YEAR"),
    C("kind", "word", "technology of a phase, SKU of a delivery, kind of a lease, customer of a share"),
    _FROM, _TO,
    C("unit", "word", "unit of what is asked about"),
    C("step", "see unit", "units asked about"),
    C("in_plan", "see unit", "units that the plan uses"),
    C("limit", "see unit", "units that there are"),
    C("gain_usd", "$ per unit", "what each of the first units more brings, given free while it is paid for"),
    C("gain_holds_to", "see unit", "units up to which that gain is exact"),
    C("gain_of_step_usd", "$ per unit", "mean gain over the step"),
    C("loss_usd", "$ per unit", "what each of the first units less costs, taken away while it is paid for"),
    C("loss_holds_to", "see unit", "units up to which that loss is exact"),
    C("loss_of_step_usd", "$ per unit", "mean loss over the step"),
    C("net_gain_usd", "$ per unit", "gain with the unit's own cost"),
    C("net_gain_holds_to", "see unit", "units up to which the net gain is exact"),
    C("net_loss_usd", "$ per unit", "loss with the unit's own cost given back"),
    C("net_loss_holds_to", "see unit", "units up to which the net loss is exact"),
    C("dual_usd", "$ per unit", "the dual of the linear programme, between gain and loss"),
    C("pay_up_to", "see pay_unit", "the gain of the step in the unit of the contract"),
    C("fee", "see pay_unit", "fee of the contract beside it"),
    C("pay_unit", "word", "unit of the contract"),
    C("gain_return_per_year", "share per year", "of capital: after-tax return of a dollar more"),
    C("loss_return_per_year", "share per year", "of capital: after-tax return of a dollar less"),
    C("decisions", "word", "held: whole decisions as they are; free: planned again"),
    C("gain_at_most_usd", "$ per unit", "decisions free: no plan gains more"),
    C("loss_at_least_usd", "$ per unit", "decisions free: no plan loses less"),
))

BINDING = ResultFile("plan", "binding.csv", "a limit with a price", (
    C("what", "words", "what the limit says"),
    _FAMILY, _LIMIT_NAME,
    C("usd_per_percent", "$", "what one per cent more of it would bring"),
))

CANDIDATES = ResultFile("plan", "candidates.parquet", "a candidate, held or not", (
    _CANDIDATE,
    C("kind", "word", "kind of candidate"),
    _SITE, _GPU, _LEASE, _TRANCHE,
    C("customer_id", "name", "the customer of the lease"),
    C("phase", "source:phase", "phase at the head of its power path"),
    C("then_phase", "source:phase", "phase that follows it, or backup behind it; blank for none"),
    C("unit", "word", "unit of the level"),
    C("tier", "number", "tier of the rate or of the market; 0 for none"),
    _INTERRUPTIBLE,
    C("from_month", "months", "first month; 0 is the start of the case"),
    C("to_month", "months", "month after the last"),
    C("decide_by", "months", "last month in which to commit"),
    C("parent", "number", "row of what it ends or goes on from, from 0; -1 for none"),
    C("lower", "units of the candidate", "least level"),
    C("upper", "units of the candidate", "greatest level"),
    C("integral", "yes or no", "whether it is a whole decision"),
    C("npv_usd", "$ per unit", "NPV after tax of a unit"),
    _LEVEL,
))

_DRAWS = (
    C("delay[<phase>]", "months", "how late the phase is"),
    C(
        "default[<customer>]", "months",
        "months until the customer defaults; the length of the statement where it never does",
    ),
    C("renewal[<lease>]", "1 or 0", "whether the lease is renewed"),
    C("offer[<lease>]", "1 or 0", "whether the lease is offered, where that is not certain"),
    C("offered_size[<lease>]", "share", "how much of the lease is offered, where futures from elsewhere say so"),
    C(
        "<factor>", "multiplier, months or share",
        "a factor: mean of its multiplier over the horizon, or what was drawn once",
    ),
)
FEARED = ResultFile("plan", "feared.csv", "a future in the tail of a plan that weighs risk", (
    C("future", "name", "the future"),
    C("npv_usd", "$", "NPV of the plan in it"),
    C("probability", "share", "its chance"),
    C("tail_weight", "share", "its part of the tail"),
    C("weight", "share", "its weight in the objective"),
    *_DRAWS,
))
FACTORS_FEARED = ResultFile("plan", "factors_feared.csv", "a factor of a plan that weighs risk", (
    C("factor", "name", "the factor, delay, default, renewal or offer"),
    C("mean", "as the factor", "its mean over all futures"),
    C("mean_feared", "as the factor", "its mean over the tail"),
    C("shift", "standard deviations", "how far the tail lies from the mean"),
    C("correlation", "number", "correlation with the NPV of the plan"),
))
POOL = ResultFile("plan", "pool.parquet", "a bundle: the path of a GPU", _BUNDLE_PARTS)

_NODE = C(
    "node", "name", "the node of the tree: n is now, n2 the second group at the first review, n2.1 the first of those"
)
_SORT = C("sort", "word", "site, phase, lease, link, halls or gpus")
_THING = C("name", "name", "the site, phase, lease, link or SKU")
_THING_UNIT = C("unit", "word", "unit of its amounts")
CHOICES = ResultFile("plan --adapt", "decisions.csv", "a thing that can be decided", (
    _SORT, _THING, _THING_UNIT,
    C("verdict", "word", "now; open (decided later, otherwise in some nodes); later (the same in all nodes); never"),
    C("now", "see unit", "how much is signed now"),
    C("base_plan_now", "see unit", "how much of it the plan of the base case signs now"),
    C("review", "YYYY-MM", "review at which nodes first decide otherwise; blank where none do"),
    C("taken_share", "share", "chance that any of it is taken"),
    C("later", "see unit", "mean of what is taken after now"),
    C("least", "see unit", "least that is taken in all on any path"),
    C("most", "see unit", "most that is taken in all on any path"),
    C("sign", "words", "the one known figure that tells best when more of it is taken; blank where no one does"),
    C("figure", "name", "that figure: what a factor drives, a delay, default, offer or renewal"),
    C("level", "as the figure", "level that parts more from less: a ratio to the forward value, months late, or 0.5"),
    C("above", "yes or no", "whether more is taken above the level"),
    C("accuracy", "share", "chance that the sign says what the policy does"),
    C(
        "worth_usd", "$",
        "what is lost if it is not signed now, or not kept open: relaxation less relaxation; inf: there is no policy",
    ),
    C("worth_at_least_usd", "$", "no policy without it loses less; blank where it was not looked at"),
))
SIGN_NOW = ResultFile("plan --adapt", "sign_now.csv", "a decision that is signed now", (
    _DECIDE_BY,
    C("decision", "word", "sign lease, or as in decisions.csv of a plan"),
    _SITE,
    C("name", "name", "the lease, phase, SKU or link"),
    *DECISIONS.columns[4:],
))
NODES = ResultFile("plan --adapt", "nodes.csv", "a node of the tree", (
    _NODE,
    C("parent", "name", "the node before it; blank for the root"),
    C("review", "YYYY-MM", "month in which it is decided; of the root the start of the case"),
    C("probability", "share", "chance that the future passes through it"),
    C("futures", "futures", "futures that do"),
    C("mean_npv_usd", "$", "mean NPV of the policy over them"),
    C("known", "words", "what is known there that tells it from its sisters"),
))
AMOUNTS = ResultFile("plan --adapt", "amounts.csv", "what is decided of a thing in a node", (
    _NODE, _SORT, _THING, _THING_UNIT, C("amount", "see unit", "how much is decided there"),
))
LEAF_ALLOCATION = ResultFile(
    "plan --adapt", "allocation.csv", "a cluster, hall or window on the path to a leaf", (_NODE, *ALLOCATION.columns)
)
LEAF_POWER = ResultFile(
    "plan --adapt", "power.csv", "a phase of power on the path to a leaf", (_NODE, *POWER.columns)
)
POLICY_FUTURES = ResultFile("plan --adapt", "futures.parquet", "a future of the tree", (
    C("future", "name", "the future"),
    C("weight", "share", "its weight"),
    _NODE,
    C("policy_npv_usd", "$", "NPV of the policy in it"),
    C("steady_npv_usd", "$", "NPV of the best plan that never changes"),
    C("base_plan_npv_usd", "$", "NPV of the plan of the base case"),
))
POLICY_LEVELS = ResultFile("plan --adapt", "levels.parquet", "a column of the model that is held in a node", (
    C("way", "word", "policy, steady (the plan that never changes) or base (the plan of the base case)"),
    _NODE,
    C("column", "number", "column of the model by stages, from 0"),
    C("level", "unit of the column", "how much of it is held"),
))
REPLAYED = ResultFile("replay", "replay.csv", "a future that was walked", (
    C("future", "name", "the future"),
    C("weight", "share", "its weight"),
    C("policy_npv_usd", "$", "NPV of the policy, planned again at each review"),
    C("rule_npv_usd", "$", "NPV of the policy by its nodes"),
    C("steady_npv_usd", "$", "NPV of the plan that never changes"),
    C("base_again_npv_usd", "$", "NPV of the base plan, planned again at each review"),
    C("base_npv_usd", "$", "NPV of the base plan as it was made"),
    C("known_npv_usd", "$", "no plan that knew the future is worth more (a relaxation)"),
    C("stopped", "re-plans", "re-plans without an answer in time; what was planned before went on"),
))
WAYS = ResultFile("replay", "ways.csv", "a way of deciding", (
    C("way", "word", "policy, rule, steady, base_again, base or known"),
    C("mean_npv_usd", "$", "mean NPV over the futures walked"),
    C("standard_error_usd", "$", "standard error of that mean"),
    C("cvar_usd", "$", "mean loss of the worst 1 - alpha share; a gain is negative"),
    C("loss_probability", "share", "chance of an NPV below 0"),
    C("policy_less_usd", "$", "mean of the policy less this way, future by future"),
    C("policy_less_error_usd", "$", "standard error of that mean"),
))
SIGNS = ResultFile("replay", "signs.csv", "a thing that the policy leaves open", (
    _SORT, _THING,
    C("sign", "words", "its sign"),
    C("accuracy_in_tree", "share", "how often it was right over the futures of the tree"),
    C("sign_said_yes", "share", "how often it said to take more"),
    C("taken", "share", "how often more was taken"),
    C("sign_was_right", "share", "how often it said what was done"),
))

SCORES = ResultFile("score", "scores.parquet", "a portfolio", (
    C("portfolio", "name", "the portfolio"),
    C("base_npv_usd", "$", "NPV in the base case"),
    C("mean_npv_usd", "$", "mean NPV over the futures"),
    C("standard_deviation_usd", "$", "standard deviation of the NPV"),
    C("standard_error_usd", "$", "standard error of the mean"),
    C("loss_probability", "share", "chance of an NPV below 0"),
    C("var_usd", "$", "value at risk: the loss that is exceeded with chance 1 - alpha; a gain is negative"),
    C("cvar_usd", "$", "mean loss of the worst 1 - alpha share; a gain is negative"),
    C("npv_<stress>_usd", "$", "NPV under a named stress, as it stands"),
    C("limits_broken_<stress>", "limits", "of the limits that the stress changes, how many are then broken"),
    C("gpus_bought", "GPUs", "GPUs bought"),
    C("contracted_mw_<kind>", "MW of contracted power", "contracted power of that kind"),
    C("energy_mwh", "MWh", "energy drawn in the base case"),
    C("co2_tonnes", "t", "direct emissions in the base case"),
    C("capex_usd", "$", "capex and opening costs"),
    C("uses_capex_usd", "$", "what is invested: capex"),
    C("uses_opening_usd", "$", "what is invested: opening of sites"),
    C("sources_prepayments_usd", "$", "what pays for it: prepayments as received"),
    C("sources_debt_usd", "$", "what pays for it: debt drawn"),
    C("sources_tax_credits_usd", "$", "what pays for it: tax credits"),
    C("sources_own_cash_usd", "$", "what pays for it: own cash for the rest"),
    C("backlog_usd", "$", "contracted income to come, undiscounted"),
    C("ebitda_<year>_usd", "$", "income less operating costs in a calendar year"),
    C("ebitda_later_usd", "$", "the same after the horizon"),
    C(
        "levelised_usd_per_gpu_hour", "$ per GPU-hour",
        "costs that other income leaves, over hours at work, discounted, before tax",
    ),
    C(
        "levelised_usd_per_kw_month", "$ per kW-month",
        "sites, halls, power and energy, over kW at work, discounted, before tax",
    ),
    C("largest_customer", "name", "customer with the largest share of discounted income"),
    C("largest_customer_share", "share", "that share"),
    C("npv_losses_carried_usd", "$", "NPV in the base case with losses carried forward"),
    C("peak_funding_mean_usd", "$", "deepest cumulative cash, mean over the futures"),
    C("peak_funding_median_usd", "$", "the same, lower median"),
    C("peak_funding_tail_usd", "$", "the same, mean of the worst 1 - alpha share"),
    C("payback_mean_months", "months", "months until cumulative cash stays at 0 or more, mean"),
    C("payback_median_months", "months", "the same, lower median"),
    C("payback_tail_months", "months", "the same, mean of the worst 1 - alpha share"),
    C("never_pays_back", "share", "chance that it never does"),
    C("least_dscr_mean", "ratio", "least yearly debt service cover, mean over the futures; inf without debt"),
    C("least_dscr_median", "ratio", "the same, median"),
    C("least_dscr_tail", "ratio", "the same, mean of the worst 1 - alpha share"),
    C("moic", "ratio", "multiple of money: cash given back over cash put in"),
    C("irr_per_year", "share per year", "IRR in the base case, where there is one"),
    C("irr_status", "word", "one root, none, several, gains first, all one sign"),
    C("irr_of_mean_flow_per_year", "share per year", "IRR of the mean flow over the futures"),
    C("irr_of_mean_flow_status", "word", "its status"),
    C(
        "irr_median_per_year", "share per year",
        "median over the futures that have one rate; for ten portfolios or fewer",
    ),
    C("irr_low_per_year", "share per year", "the same, 1 - alpha quantile"),
    C("irr_one_rate_share", "share", "share of the futures that have one rate"),
    C("limits_broken", "limits", "how many limits it breaks"),
    C("worst_limit", "words", "the limit broken most, relative to its size"),
    C("worst_excess", "unit of the limit", "by how much"),
))
BROKEN = ResultFile("score", "broken.parquet", "a limit that a portfolio breaks", (
    C("portfolio", "name", "the portfolio"),
    _FAMILY, _LIMIT_NAME,
    C("from_month", "months", "first month; 0 is the start of the case"),
    C("to_month", "months", "month after the last"),
    C("excess", "unit of the limit", "by how much it is broken"),
    C("limit", "unit of the limit", "the limit"),
))
FUTURES = ResultFile("score", "futures.parquet", "a future", (
    C("future", "name", "the future"),
    C("weight", "share", "its weight"),
    C("npv_usd of <portfolio>", "$", "NPV of a leading portfolio in it"),
    *_DRAWS,
))

_POINT = C("point", "number", "the point, from 1")
_AXIS = C("<axis>", "as what is varied", "value of what is varied at the point, or the name of the stress")
POINTS = ResultFile("sweep", "points.csv, points.parquet", "a point", (
    _POINT,
    C("held_npv_usd", "$", "NPV of the base plan in the changed case"),
    C("held_limits_broken", "limits", "limits that it breaks there"),
    C("held_note", "words", "why it cannot stand there"),
    C("redone_status", "word", "status of the plan redone"),
    C("redone_npv_usd", "$", "NPV of the plan redone"),
    C("redone_bound_usd", "$", "no plan of the changed case is worth more"),
    C("redone_gap", "share", "how far a better plan could be"),
    C("worth_of_redoing_usd", "$", "plan redone less plan held: what foresight would be worth"),
    C("held_less_base_usd", "$", "plan held less the base plan in the base case"),
    C("redone_less_base_usd", "$", "plan redone less the base plan"),
    C("sites_in", "names", "sites that come in"),
    C("sites_out", "names", "sites that go out"),
    C("leases_in", "names", "leases that come in"),
    C("leases_out", "names", "leases that go out"),
    C("leases_larger", "names", "leases in both plans that grow, with the change"),
    C("leases_smaller", "names", "leases in both plans that shrink, with the change"),
    C("held_leases_lost", "names", "leases of the plan held of which nothing is left"),
    C("held_leases_cut", "names", "leases of the plan held, with the months of contract that they lose"),
    C("contracted_mw", "MW of contracted power", "contracted power of the plan redone"),
    _AXIS,
))
SWEEP_SITES = ResultFile("sweep", "sites.csv", "a site at a point", (
    _POINT, _SITE,
    C("held_contracted_mw", "MW of contracted power", "in the plan held"),
    C("redone_contracted_mw", "MW of contracted power", "in the plan redone"),
    _AXIS,
))
SWEEP_LEASES = ResultFile("sweep", "leases.csv", "a lease at a point", (
    _POINT, _LEASE,
    C("held_won", "GPUs or MW of critical IT", "size won in the plan held"),
    C("redone_won", "GPUs or MW of critical IT", "size won in the plan redone"),
    _AXIS,
))
FLIPS = ResultFile("sweep", "flips.csv", "a site or lease that comes in or goes out between two points", (
    C("axis", "name", "what is varied"),
    C("other", "words", "where the other axis stands"),
    C("kind", "word", "site or lease"),
    C("name", "name", "which one"),
    C("from_value", "as what is varied", "value before"),
    C("to_value", "as what is varied", "value after"),
    C("becomes", "word", "in or out"),
    C("size_before", "MW, GPUs or MW of critical IT", "its size before"),
    C("size_after", "MW, GPUs or MW of critical IT", "its size after"),
    C("worth_the_same_at", "as what is varied", "where the two plans are worth the same, by straight lines"),
))
SWEEP_BROKEN = ResultFile("sweep", "broken.csv", "a limit that the plan held breaks at a point", (
    _POINT, _FAMILY, _LIMIT_NAME,
    C("month", "YYYY-MM", "first month in which it is broken"),
    C("used", "unit of the limit", "what is used"),
    C("limit", "unit of the limit", "the limit"),
    _AXIS,
))
SWEEP_PORTFOLIOS = ResultFile("sweep", "portfolios.parquet", "a candidate of the plan redone at a point", (
    _POINT, _CANDIDATE, _LEVEL,
))

_MEMBERSHIP = (
    C("membership", "words", "always in, never in, in some; in all found or in none found where it is open"),
    C("proven", "yes or no", "whether that is proven"),
)
_WITHOUT = (
    C("best_without_usd", "$", "NPV of the best plan without it"),
    C("loss_without_usd", "$", "what that plan loses; blank where it is more than was looked at"),
    C("loss_without_at_least_usd", "$", "no plan without it loses less"),
    C("cannot_be_left_out", "yes or no", "whether the case has no plan without it"),
    C("swappable_with", "names", "what grows in its place"),
)
NEAR_SITES = ResultFile("alternatives", "sites.csv", "a site", (
    _SITE, *_MEMBERSHIP,
    C("best_mw", "MW of contracted power", "in the best plan"),
    C("least_mw", "MW of contracted power", "least that was found"),
    C("least_bound_mw", "MW of contracted power", "no plan of the room has less"),
    C("most_mw", "MW of contracted power", "most that was found"),
    C("most_bound_mw", "MW of contracted power", "no plan of the room has more"),
    C("range_proven", "yes or no", "whether the range is proven"),
    *_WITHOUT,
))
NEAR_LEASES = ResultFile("alternatives", "leases.csv", "a lease", (
    _LEASE, *_MEMBERSHIP,
    C("best_size", "GPUs or MW of critical IT", "in the best plan"),
    C("least_found", "GPUs or MW of critical IT", "least that was found"),
    C("most_found", "GPUs or MW of critical IT", "most that was found"),
    *_WITHOUT,
))
_PLAN_NUMBER = C("plan", "number", "the plan: 0 is the best")
NEAR_PLANS = ResultFile("alternatives", "plans.csv", "a plan that differs", (
    _PLAN_NUMBER,
    C("npv_usd", "$", "its NPV"),
    C("loss_usd", "$", "what it loses against the best"),
    C("distance", "shares, summed", "least distance to the plans before it, in shares of what is on offer"),
    C("search_bound", "shares, summed", "no plan of the room lies farther"),
    C("mw_moved", "MW of contracted power", "MW that stand elsewhere than in the best plan"),
    C("comes_in", "names", "what comes in"),
    C("goes_out", "names", "what goes out"),
    C("changes", "words", "what changes most"),
))
NEAR_WHERE = ResultFile("alternatives", "where.csv", "a site or lease of a plan", (
    _PLAN_NUMBER,
    C("kind", "word", "site or lease"),
    C("name", "name", "which one"),
    C("size", "MW, GPUs or MW of critical IT", "its size"),
))
NEAR_PORTFOLIOS = ResultFile("alternatives", "portfolios.parquet", "a candidate of a plan", (
    _PLAN_NUMBER, _CANDIDATE, _LEVEL,
))

_INQUIRY = C("inquiry", "name", "the inquiry")
QUOTES = ResultFile("quote", "quotes.csv", "an inquiry", (
    C("name", "name", "the inquiry"),
    C("answer", "words", "floor found, cannot be served at any rate, worth taking at any rate, or stopped"),
    C("size", "GPUs or MW of critical IT", "size asked for"),
    C("unit", "word", "unit of the size"),
    C("rate_unit", "word", "unit of all its rates"),
    C("floor", "see rate_unit", "lowest rate at which to sign"),
    C("low", "see rate_unit", "below it no plan pays"),
    C("high", "see rate_unit", "above it signing pays whatever the gaps"),
    C("proven", "yes or no", "whether the interval is proven"),
    C("held_floor", "see rate_unit", "floor with the whole decisions of the plan held"),
    C("floor_keeping_leases", "see rate_unit", "floor without declining or cutting any lease of the plan"),
    C("floor_keeping_leases_at_most", "see rate_unit", "upper end of that floor"),
    C("standalone_rate", "see rate_unit", "cheapest levelised rate of it alone"),
    C("sites", "names", "where it stands at its floor, the largest first"),
    C("mean_floor", "see rate_unit", "floor on average over the futures"),
    C("tail_floor", "see rate_unit", "floor in their tail"),
    C("risk_floor", "see rate_unit", "floor at the risk weight"),
    C("usd_per_dollar_of_rate", "$", "NPV after tax of a dollar of rate"),
    C("npv_without_usd", "$", "NPV of the plan without it"),
    C("bound_without_usd", "$", "no plan without it is worth more"),
    C("searches", "number", "searches made"),
    C("note", "words", "dates outside the case, or what stops it"),
))
STANDS = ResultFile("quote", "stands.csv", "a place of an inquiry", (
    _INQUIRY, _SITE, _GPU, _PATH, _FROM, _TO,
    C("size", "GPUs or MW of critical IT", "how much stands there"),
    C("it_mw", "MW of critical IT", "the same in critical IT"),
))
STANDALONE = ResultFile("quote", "standalone.csv", "a place, power path and SKU that could serve an inquiry", (
    _INQUIRY, _SITE, _PATH, _GPU,
    C("rate", "rate of the inquiry", "levelised rate: the one at which it has no NPV after tax"),
    C("hardware", "rate of the inquiry", "part of the rate: GPUs less resale"),
    C("shell", "rate of the inquiry", "part of the rate: halls"),
    C("power", "rate of the inquiry", "part of the rate: plant and energy"),
    C("fees", "rate of the inquiry", "part of the rate: capacity fees"),
    C("upkeep", "rate of the inquiry", "part of the rate: repair, spares, support"),
    C("other", "rate of the inquiry", "part of the rate: network and penalties, less the services that are billed"),
    C("capital", "rate of the inquiry", "part of the rate: what the money tied up must earn after tax"),
))
DISPLACED = ResultFile("quote", "displaced.csv", "something that changes with the lease", (
    _INQUIRY,
    C("what", "word", "lease, on demand, mining, site, GPUs bought, hall or power"),
    C("name", "name", "which one"),
    C("unit", "word", "unit of the amounts"),
    C("without", "see unit", "amount in the plan without it"),
    C("with", "see unit", "amount in the plan with it"),
    C("change", "see unit", "with less without"),
))
CURVE = ResultFile("quote", "curve.csv", "a size of an inquiry", (
    _INQUIRY,
    C("size", "GPUs or MW of critical IT", "the size"),
    C("floor", "rate of the inquiry", "floor at that size"),
    C("high", "rate of the inquiry", "upper end of that floor"),
    C("how", "words", "searched, or whole decisions held"),
))

BREAKEVEN = ResultFile("breakeven", "the CSV file", "a bundle of a GPU, or a MW of a hosting lease", (
    _SITE, _PATH, _GPU, _LEASE,
    C("rate_unit", "word", "unit of all its rates"),
    _FROM, _TO,
    C("rate_npv_zero", "see rate_unit", "rate at which its NPV is 0"),
    C("rate_npv_zero_months_used", "see rate_unit", "the same with power's fee of the months of work alone"),
    C("rate_hurdle_irr", "see rate_unit", "rate at which it meets the hurdle"),
    C("rate_least_dscr", "see rate_unit", "rate at which debt service is covered every year"),
    C("at_rate", "see rate_unit", "the rate for which the rest is told"),
    C("npv_usd_per_unit", "$ per GPU or MW", "NPV at that rate"),
    C("breakeven_utilisation", "share", "share of the hours that may be let at least"),
    C("breakeven_power_usd_per_mwh", "$ per MWh", "how much dearer power may be"),
    C("breakeven_fees_times", "times", "how many times its fees power may cost"),
    C("breakeven_residual_share", "share", "share of the resale that is needed"),
))

FRONTIER = ResultFile("frontier", "frontier.csv, frontier.parquet", "a point of the frontier", (
    C("risk_weight", "share", "weight of CVaR"),
    C("expected_npv_usd", "$", "mean NPV over the futures"),
    C("cvar_usd", "$", "mean loss of the tail; a gain is negative"),
    C("objective_usd", "$", "value of the objective"),
    C("bound_usd", "$", "no plan has a greater one"),
    C("gap", "share", "how far a better plan could be"),
    C("base_npv_usd", "$", "NPV in the base case"),
    C("standard_deviation_usd", "$", "standard deviation of the NPV"),
    C("gpus_bought", "GPUs", "GPUs bought"),
    C("contracted_mw", "MW of contracted power", "contracted power"),
    C("sites", "sites", "sites with contracted power"),
    C("leases_won", "leases", "leases won"),
))
FRONTIER_PLANS = ResultFile("frontier", "plans.parquet", "a candidate of a point", (
    C("portfolio", "name", "the point: w and its weight"), *_PORTFOLIO_COLUMNS,
))

PACKAGES = ResultFile("portfolios", "the Parquet file", "a portfolio", (
    C("portfolio", "name", "the portfolio"),
    C("level of <package>", "level", "level of a package: 1 holds it, 0 does not"),
))
POOL_PARTS = ResultFile("portfolios", "pool.parquet", "a bundle of a pool", _BUNDLE_PARTS)
POOL_VALUES = ResultFile("portfolios", "values.parquet", "a bundle of a pool, in the same order", (
    C("npv_usd_millions", "$M", "NPV of the bundle in each future, a list"),
))

FILES: tuple[ResultFile, ...] = (
    DECISIONS, ALLOCATION, POWER, CASHFLOW, PORTFOLIO, PRICES, BINDING, CANDIDATES, FEARED, FACTORS_FEARED, POOL,
    CHOICES, SIGN_NOW, NODES, AMOUNTS, LEAF_ALLOCATION, LEAF_POWER, POLICY_FUTURES, POLICY_LEVELS, REPLAYED, WAYS,
    SIGNS,
    SCORES, BROKEN, FUTURES, POINTS, SWEEP_SITES, SWEEP_LEASES, FLIPS, SWEEP_BROKEN, SWEEP_PORTFOLIOS,
    NEAR_SITES, NEAR_LEASES, NEAR_PLANS, NEAR_WHERE, NEAR_PORTFOLIOS, QUOTES, STANDS, STANDALONE, DISPLACED, CURVE,
    BREAKEVEN, FRONTIER, FRONTIER_PLANS, PACKAGES, POOL_PARTS, POOL_VALUES,
)


def declared(verb: str, file: str) -> ResultFile | None:
    """The declaration of a file by the verb that writes it and its name in the folder."""
    return next((each for each in FILES if each.verb == verb and file in each.name.split(", ")), None)
