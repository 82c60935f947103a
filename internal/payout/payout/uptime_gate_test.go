package payout_test

import "testing"

// TestAPaymentWaitsForItsGate holds that nothing is composed in the minute between
// an approval and the first look at the uptime behind it.
func TestAPaymentWaitsForItsGate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ids := r.owe(2, owed)
	for _, gate := range []string{"min_uptime_permille = 950", "require_control = true"} {
		r.exec("UPDATE check_policy SET min_uptime_permille = 0, require_control = false")
		r.exec("UPDATE check_policy SET " + gate)
		if list, err := r.service.Payable(t.Context(), r.treasurer); err != nil || len(list) != 0 {
			t.Errorf("%s: %d payments are offered, %v", gate, len(list), err)
		}
		if _, err := r.service.Compose(t.Context(), r.treasurer, order(ids)); codeOf(err) != "gate_not_looked" {
			t.Errorf("%s: %v, want gate_not_looked", gate, err)
		}
	}
	r.exec("INSERT INTO instalment_gate SELECT id, now() FROM instalment WHERE id = $1", ids[0])
	if _, err := r.service.Compose(t.Context(), r.treasurer, order(ids)); codeOf(err) != "gate_not_looked" {
		t.Errorf("one of two was looked at: %v", err)
	}
	if list, err := r.service.Payable(t.Context(), r.treasurer); err != nil || len(list) != 1 {
		t.Errorf("%d payments are offered, want the one that was looked at; %v", len(list), err)
	}
	r.compose(ids[:1])
	r.exec("UPDATE check_policy SET min_uptime_permille = 0, require_control = false")
	r.compose(ids[1:])
}
