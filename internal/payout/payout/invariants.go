package payout

// Breach is a row of an invariant's view: something that must never be.
type Breach struct {
	Invariant string // e.g. i07_coins
	What      string // in plain words
}

// Invariants lists those that the database is held against, by the number that
// README.md explains; each is a view invariant_NAME.
func Invariants() []string {
	return []string{
		"i01_exactly_once",
		"i01_spends_mapped",
		"i02_exact",
		"i03_approvals",
		"i03_votes",
		"i04_anchor",
		"i04_reserved",
		"i04_spends_anchor",
		"i05_replacement",
		"i06_fee",
		"i07_coins",
		"i07_payments",
		"i07_transactions",
		"i07_transfers",
		"i08_budget",
		"i09_window",
		"i10_edges",
		"i10_history",
		"i10_rule_r",
		"i10_together",
		"i11_write_ahead",
		"i12_view",
		"i13_reorg",
		"i15_audit",
		"i15_history",
		"i15_leaves",
		"i15_unsealed",
	}
}
