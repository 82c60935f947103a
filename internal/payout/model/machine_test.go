package model_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/payout/model"
)

// The same commands as a state machine of rapid, which shrinks what it finds.
// The invariants are looked at after each command; -rapid.checks asks for more.
func TestStateMachine(t *testing.T) {
	t.Parallel()
	var seen model.Seen
	die := rapid.Byte()
	rapid.Check(t, func(rt *rapid.T) {
		h := model.New(model.Config{Depths: model.Tight()}, &seen)
		h.Start()
		actions := map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if o := h.Outcome(); o.Bad() {
					rt.Fatalf("%+v", o)
				}
			},
		}
		for op := range model.Ops {
			actions[op.String()] = func(rt *rapid.T) {
				h.Do(model.Command{Op: uint8(op), A: die.Draw(rt, "a"), B: die.Draw(rt, "b"), C: die.Draw(rt, "c")})
			}
		}
		rt.Repeat(actions)
		if o := h.End(); o.Bad() {
			rt.Fatalf("at the end: %+v", o)
		}
	})
}
