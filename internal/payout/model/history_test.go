package model_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/model"
)

// histories is how many are run unless MODEL_HISTORIES asks for another number.
const histories = 100_000

// length is how many commands a history has.
const length = 140

// Any released transaction may confirm at any time, and nothing is paid twice or
// lost, in every one of so many histories. The table says what they came across.
func TestNothingIsPaidTwiceOrLost(t *testing.T) {
	t.Parallel()
	n := uint64(histories)
	if s := os.Getenv("MODEL_HISTORIES"); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	parts := []*model.Seen{{}, {}, {}}
	t.Run("histories", func(t *testing.T) {
		t.Parallel()
		for i, part := range parts {
			cfg, seeds := model.Config{Depths: model.Tight()}, n/2
			if i == 2 {
				cfg.Depths, seeds = model.Real(), n/50
			}
			t.Run(fmt.Sprintf("final at %d, part %d", cfg.Depths.Final, i), func(t *testing.T) {
				t.Parallel()
				h := model.New(cfg, part)
				for seed := range seeds {
					commands := model.Commands(tape(uint64(i)<<32|seed, length))
					if o := h.Run(commands); o.Bad() {
						t.Fatalf("seed %d: %+v\n%s", seed, o, story(cfg, shrink(cfg, commands, model.Outcome.Bad)))
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		var seen model.Seen
		for _, part := range parts {
			seen.Add(part)
		}
		report(t, &seen)
	})
}

// report prints what was reached and fails when something never was.
func report(t *testing.T, seen *model.Seen) {
	t.Helper()
	if t.Failed() {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d histories, nothing paid twice, nothing lost\n", seen.Histories)
	row := func(what string, n int) {
		fmt.Fprintf(&b, "%10d  %s\n", n, what)
		if n == 0 && seen.Histories >= histories {
			t.Errorf("no history ever reached: %s", what)
		}
	}
	for i, n := range seen.Commands {
		row(model.Op(i).String(), n)
	}
	for i, n := range seen.Crashes[1:] {
		row("killed "+model.Point(i+1).String(), n)
	}
	for i, n := range seen.Counts {
		row(model.Happening(i).String(), n)
	}
	for i, n := range seen.Verdicts {
		v := model.Verdict(i)
		fmt.Fprintf(&b, "%10d  signer: %s\n", n, v)
		if n == 0 && !v.Rare() && seen.Histories >= histories {
			t.Errorf("the signer never said %s", v)
		}
	}
	t.Log(b.String())
	checkEdges(t, &seen.Edges)
}

// tape returns n commands' worth of bytes, the same for the same seed.
func tape(seed uint64, n int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, 4*n)
	_, _ = rand.NewChaCha8(key).Read(b) // it never fails
	return b
}

// shrink takes commands out for as long as the outcome stays as bad.
func shrink(cfg model.Config, commands []model.Command, bad func(model.Outcome) bool) []model.Command {
	h := model.New(cfg, &model.Seen{})
	for size := len(commands) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(commands); {
			fewer := slices.Concat(commands[:at], commands[at+size:])
			if bad(h.Run(fewer)) {
				commands = fewer
				continue
			}
			at += size
		}
	}
	return commands
}

// story tells what happens in a history, line by line.
func story(cfg model.Config, commands []model.Command) string {
	var b strings.Builder
	h := model.New(cfg, &model.Seen{})
	h.Log = func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	o := h.Run(commands)
	fmt.Fprintf(&b, "%+v\n", o)
	return b.String()
}

func FuzzHistory(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(tape(seed, 60))
	}
	f.Fuzz(func(t *testing.T, tape []byte) {
		cfg := model.Config{Depths: model.Tight()}
		commands := model.Commands(tape[:min(len(tape), 4*250)])
		if o := model.New(cfg, &model.Seen{}).Run(commands); o.Bad() {
			t.Fatalf("%s: %+v\n%s", hex.EncodeToString(tape), o, story(cfg, shrink(cfg, commands, model.Outcome.Bad)))
		}
	})
}
