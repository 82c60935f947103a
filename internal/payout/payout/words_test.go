package payout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// aboutMoney are words that say what happened to money, or what to do about it.
// Outside of trouble.go no error that can reach a batch may say them: whoever writes
// it does not know the batch's state.
var aboutMoney = regexp.MustCompile(`(?i)money|nothing (was|is) (built|sent|signed|paid|broadcast)|not sent|cancel(led)? (it|the batch)|can be cancelled|compose[d]? (it )?again|by hand|pay again`)

// otherCodes are the codes after which the worker goes on by itself, or whose
// message says what to do.
const otherCodes = `amount_outside bad_rate journal_rolled_back no_such_period already_approved already_reset already_voiding already_voted approvals_lost attempt_changed attempt_not_found
attempt_not_released bad_attempt bad_checksum bad_child bad_derivation bad_descriptor bad_digest bad_note bad_prev_tx bad_psbt
bad_request bad_seed bad_sighash bad_signature bad_transaction batch_not_found batch_voided breaker_open
breaker_reset coin_locked coin_not_found coin_not_locked coin_taken coins_locked coins_wait commit_unknown
conflict_of_duty database_busy database_down database_slow duplicate_key foreign_input gate_not_looked
instalment_exists insufficient_funds journal_unwritable key_dropped lease_lost missing_prev_tx name_taken no_block no_change
no_fee_cap no_relay_feerate node_auth node_behind node_busy node_cert node_config node_down node_error node_limited_user
node_nonsense node_pass node_relay_fee node_slow node_too_old node_wrong_network nodes_disagree not_paid not_payable
not_relayed not_the_same not_working nothing_signed other_attempt other_batch paid_before_restore pinned
prev_tx_inside prev_tx_mismatch prev_tx_twice proof_missing psbt_changed recovering schema_version second_person
signer_down signer_refused signer_socket_missing signing_failed stale_digest stale_version txid_changed unjoined_not_found void_lapsed
unexpected_prev_tx unknown_invariant unknown_kind unknown_network unknown_script wrong_audit_key wrong_head
wrong_key wrong_signer wrong_state`

// words is an error of the source: its code and all that it says.
type words struct{ code, text, at string }

var snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// errorsOf reads every error that a package makes: the calls of errs and of the
// helpers that pass a code on, and the literals of errs.Error.
func errorsOf(t *testing.T, files ...string) []words {
	t.Helper()
	var list []words
	codes := codesOf(t)
	for _, name := range files {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var args []ast.Expr
			switch x := n.(type) {
			case *ast.CallExpr:
				if !makesError(x.Fun) {
					return true
				}
				args = x.Args
			case *ast.CompositeLit:
				kind, ok := x.Type.(*ast.SelectorExpr)
				if !ok || kind.Sel.Name != "Error" {
					if list, isRow := rowOf(x); isRow {
						args = list
						break
					}
					return true
				}
				for _, e := range x.Elts {
					args = append(args, e.(*ast.KeyValueExpr).Value) //nolint:errcheck // a failure shows in what follows
				}
			case *ast.AssignStmt: // code, text = "node_down", "…"
				args = x.Rhs
			default:
				return true
			}
			w := words{at: set.Position(n.Pos()).String()}
			for _, a := range args {
				for _, text := range literals(a, codes) {
					if w.code == "" && snake.MatchString(text) && (strings.Contains(text, "_") || len(args) > 2) {
						w.code = text
						continue
					}
					w.text += text + " "
				}
			}
			if _, assigned := n.(*ast.AssignStmt); assigned && (w.code == "" || len(args) < 2 || w.text == "") {
				return true
			}
			list = append(list, w)
			return true
		})
	}
	return list
}

func makesError(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		pkg, ok := f.X.(*ast.Ident)
		return ok && pkg.Name == "errs" && slices.Contains([]string{"New", "Newf", "Wrap"}, f.Sel.Name)
	case *ast.Ident:
		return slices.Contains([]string{"refuse", "feeAboveCap", "mismatch", "badSignature", "wrongState", "badAttempt"}, f.Name)
	}
	return false
}

// rowOf returns the values of a row of the table of refused constraints.
func rowOf(x *ast.CompositeLit) ([]ast.Expr, bool) {
	if x.Type != nil || len(x.Elts) != 3 {
		return nil, false
	}
	kind, ok := x.Elts[0].(*ast.SelectorExpr)
	if !ok {
		return nil, false
	}
	pkg, ok := kind.X.(*ast.Ident)
	return x.Elts, ok && pkg.Name == "errs"
}

// codesOf are the texts of the constants whose names begin as those of error codes do. Their
// names are told apart by what stands before them, so one of two of a name may be the other's:
// both are codes.
func codesOf(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir("../../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "codes.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
				return true
			}
			if list := literals(spec.Values[0], nil); len(list) == 1 {
				texts[spec.Names[0].Name] = list[0]
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// literals are the texts of an expression, and those of the codes that it names.
func literals(e ast.Expr, codes map[string]string) (list []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && codes[name.Name] != "" {
			list = append(list, codes[name.Name])
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err == nil {
				list = append(list, text)
			}
		}
		return true
	})
	return list
}

// sources are the files whose errors can end up on a batch, or be the answer to a
// use case on one.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{
		".", "../plan", "../treasurer", "../conductor", "../follower", "../recovery", "../breaker", "../../bitcoin/txbuild", "../../bitcoin/chain", "../../bitcoin/chain/btcdrpc", "../../bitcoin/wallet", "../../bitcoin/fee",
		"../../signer/signerrpc", "../../trust/decision", "../../store/postgres",
	} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || (d.IsDir() && path != dir) {
				return errOrSkip(err)
			}
			base := filepath.Base(path)
			if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
				return nil
			}
			if dir == "../../store/postgres" && !slices.ContainsFunc([]string{"payout_", "engine_", "chain_", "recover_", "errors", "lease"}, func(p string) bool { return strings.HasPrefix(base, p) }) {
				return nil
			}
			files = append(files, path)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return append(files, "../../programs/app/node.go", "../../programs/app/worker.go", "../../programs/app/workernode.go", "../../programs/app/ready.go")
}

func errOrSkip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// wrong are the words that must not stand beside a state.
func wrong(kind payout.Kind, s payout.State) *regexp.Regexp {
	switch {
	case s.BeforeSigning():
		return regexp.MustCompile(`(?i)may still be made|do not pay|may still confirm|are made|in a block`)
	case s == payout.Cancelled, s == payout.Voided:
		return regexp.MustCompile(`(?i)may still be made|do not pay|may still confirm|are made|in a block|cancel the batch`)
	case s == payout.Paid, s == payout.Final, s == payout.Mined:
		return regexp.MustCompile(`(?i)no money|may still be made|may still confirm|cancel the batch|compose it again|paid nobody`)
	}
	return regexp.MustCompile(`(?i)no money|nothing was|not sent|are made|cancel the batch|compose it again|paid nobody`)
}

// needed are the words of which one must stand beside a state.
func needed(kind payout.Kind, s payout.State) *regexp.Regexp {
	switch {
	case s.BeforeSigning(), s == payout.Cancelled:
		return regexp.MustCompile(`No money moved\.`)
	case kind != payout.Payout:
		return regexp.MustCompile(`pays the treasury alone|cannot confirm any more`)
	case s == payout.Voided:
		return regexp.MustCompile(`paid nobody`)
	case s == payout.Mined, s == payout.Paid, s == payout.Final:
		return regexp.MustCompile(`Do not pay (by hand|them again)\.`)
	}
	return regexp.MustCompile(`may still be made.*Do not pay by hand\.`)
}

// TestWordsAboutMoneyAreTrue walks every code that the source knows through every
// state of every kind of batch, in what is stored on it and in what the treasury
// page says of it.
func TestWordsAboutMoneyAreTrue(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, w := range errorsOf(t, sources(t)...) {
		if w.code != "" {
			seen[w.code] = w.text
		}
		if bad := aboutMoney.FindString(w.text); bad != "" && !allowed(w) {
			t.Errorf("%s: the error %s says %q; what becomes of money is MoneyWords' to say", w.at, w.code, bad)
		}
	}
	known := append(payout.RecomposeCodes(), strings.Fields(otherCodes)...)
	for _, code := range slices.Sorted(maps.Keys(seen)) {
		if !slices.Contains(known, code) {
			t.Errorf("new code %s: put it into recompose in trouble.go if cancelling and composing again helps, else into otherCodes here", code)
		}
	}
	for _, code := range known {
		if _, ok := seen[code]; !ok {
			t.Errorf("code %s is in a table, and no error has it", code)
		}
	}
	if len(seen) < 60 {
		t.Fatalf("only %d codes were found in the source", len(seen))
	}
	for code, text := range seen {
		if text == "" {
			text = "Something is wrong."
		}
		for _, s := range payout.States() {
			for _, kind := range []payout.Kind{payout.Payout, payout.Consolidate, payout.Split, payout.Child} {
				b := payout.Batch{Kind: kind, State: s, LastCode: code, LastError: text}
				quiet := payout.Batch{Kind: kind, State: s}
				for _, said := range []string{b.Trouble(), b.WhyStuck(), quiet.WhyStuck(), payout.MoneyWords(kind, s)} {
					if bad := wrong(kind, s).FindString(said); bad != "" && !strings.Contains(text, bad) {
						t.Errorf("%s %s with %s says %q in %q", kind, s, code, bad, said)
					}
					if !needed(kind, s).MatchString(said) {
						t.Errorf("%s %s with %s does not say what became of the money: %q", kind, s, code, said)
					}
				}
			}
		}
	}
}

// allowed are errors that are about no batch.
func allowed(w words) bool { return strings.Contains(w.at, "trouble.go") }
