package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// stood is what a reader is told of a batch beyond its state.
type stood struct {
	Next          string
	Fates         []string
	FeeSat        int64
	Confirmations int
	Needed        int // confirmations for the next state
	PaidAnyway    int // payments that a block made although they were cancelled
}

// standing is where a batch of two attempts stands. The second waits for a signature unless it is signed.
type standing struct {
	state         string
	first, second string // events
	mined         int    // the attempt that a block holds; 0: none
	deep          int    // blocks on top of that one
	void          bool   // the second attempt pays nobody
	cancelled     bool   // the payment was cancelled by itself
	signed        bool
	code          string // of the last error
	tries         int
}

// putStanding puts the only batch there, whatever its triggers say.
func (r *rig) putStanding(s standing) {
	r.t.Helper()
	ctx := r.t.Context()
	conn, err := r.owner.Pool().Acquire(ctx)
	must(r.t, err)
	defer conn.Release()
	do := func(sql string, args ...any) {
		r.t.Helper()
		_, err := conn.Exec(ctx, sql, args...)
		must(r.t, err)
	}
	do("SET session_replication_role = replica")
	do("UPDATE batch SET state = $1, last_code = nullif($2, ''), last_error = nullif($2, ''), tries = $3", s.state, s.code, s.tries)
	do("DELETE FROM attempt_event")
	for no, events := range []string{s.first, s.second} {
		do(`INSERT INTO attempt_event (attempt_id, event, at) SELECT a.id, e.e, now() FROM attempt a,
			unnest($2::text[]) WITH ORDINALITY e (e, n) WHERE a.no = $1 ORDER BY e.n`, no, strings.Fields(events))
	}
	do("DELETE FROM attempt_raw WHERE attempt_id = (SELECT id FROM attempt WHERE no = 1)")
	if s.signed {
		do("INSERT INTO attempt_raw SELECT id, sha256('raw'), now() FROM attempt WHERE no = 1")
	}
	do("DELETE FROM chain_tx WHERE txid IN (SELECT txid FROM attempt)")
	do(`INSERT INTO chain_tx (txid, height, raw) SELECT a.txid, h.height - $2, '' FROM attempt a, (SELECT max(height) AS height FROM header) h
		WHERE a.no = $1 - 1`, s.mined, s.deep)
	do("UPDATE attempt SET kind = CASE WHEN $1 THEN 'void' ELSE 'pay' END WHERE no = 1", s.void)
	do("UPDATE instalment SET state = CASE WHEN $1 THEN 'cancelled' ELSE 'maybe_paid' END WHERE id IN (SELECT instalment_id FROM batch_item)", s.cancelled)
	do("RESET session_replication_role")
}

// told is what the API says.
func (r *rig) told(path string, bearer []string) stood {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+"/v1"+path, http.NoBody)
	must(r.t, err)
	req.Header.Set(bearer[0], bearer[1])
	resp, err := (&http.Client{}).Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(r.t, err)
	var b struct {
		Next          string `json:"next_action"`
		FeeSat        int64  `json:"fee_sat"`
		Confirmations int    `json:"confirmations"`
		Needed        int    `json:"confirmations_needed"`
		Items         []struct {
			PaidAnyway bool `json:"paid_after_cancel"`
		} `json:"items"`
		Attempts []struct {
			Fate string `json:"fate"`
		} `json:"attempts"`
	}
	if err := json.Unmarshal(text, &b); err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%d %s: %v", resp.StatusCode, text, err)
	}
	s := stood{Next: b.Next, FeeSat: b.FeeSat, Confirmations: b.Confirmations, Needed: b.Needed}
	for _, it := range b.Items {
		if it.PaidAnyway {
			s.PaidAnyway++
		}
	}
	for _, a := range b.Attempts {
		s.Fates = append(s.Fates, a.Fate)
	}
	return s
}

// shown is what the page of a batch says, with the fee and the confirmations of the list.
func (b *browser) shown(path string) stood {
	b.t.Helper()
	var s stood
	for n := range b.get(path).wants(http.StatusOK).doc.Descendants() {
		switch {
		case attr(n, "id") == "next-t":
			s.Next = textOf(n)
		case attr(n, "id") == "anyway-t":
			s.PaidAnyway = strings.Count(textOf(n.Parent), "GR-")
		case attr(n, "id") == "road":
			if have, need, ok := strings.Cut(confirmed.FindString(textOf(n)), " of "); ok {
				s.Confirmations, s.Needed = int(digits(have)), int(digits(need))
			} else {
				s.Confirmations = int(digits(have))
			}
		}
		if n.Data == "div" && attr(n, "class") == "row" && n.Parent.Data == "li" {
			s.Fates = append(s.Fates, strings.TrimSpace(textOf(last(n))))
		}
	}
	cells := b.get("/batches").wants(http.StatusOK).rows("cards-narrow")[0]
	if have, _, _ := strings.Cut(cells[5], "/"); int(digits(have)) != s.Confirmations {
		b.t.Errorf("the list has %q confirmations, the batch's page %d", cells[5], s.Confirmations)
	}
	s.FeeSat = digits(cells[4])
	return s
}

// confirmed is how a batch's page counts confirmations.
var confirmed = regexp.MustCompile(`[\d\x{202f}\x{a0}, ]+(of [\d\x{202f}\x{a0}, ]+)?confirmations?`)

func digits(text string) int64 {
	n, _ := strconv.ParseInt(strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c < '0' || c > '9' }), ""), 10, 64)
	return n
}

func last(n *html.Node) *html.Node {
	c := n.LastChild
	for c.Type != html.ElementNode {
		c = c.PrevSibling
	}
	return c
}

// TestTheAPIAndThePagesTellTheSame of one batch whose fee was raised, wherever it may stand.
func TestTheAPIAndThePagesTellTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove, bearer := r.hire("Tove", identity.RoleTreasurer), r.bearer("Tia", identity.RoleTreasurer, identity.PermBatchRead)
	p := r.signing(1, tove)
	back := p.path + "/psbt"
	tove.upload(p, back, "psbt_file", r.signed(tove.get(back).wants(200).body)).wants(200)
	r.conduct()
	r.conduct()
	tove.submit(tove.get(p.path), p.path+"/bump", url.Values{"feerate": {"20"}}).wants(200)
	r.conduct()
	var fees [2]int64
	for no := range fees {
		must(t, r.owner.Pool().QueryRow(t.Context(), "SELECT fee_sat FROM attempt WHERE no = $1", no).Scan(&fees[no]))
	}
	f, err := r.grants.Fund(t.Context())
	must(t, err)
	const out, asked = "built signing signed broadcast", "built signing"
	words := map[string]string{
		"replaced": "Replaced", "dead": "Dead", "signing": "Signing", "broadcast": "Broadcast", "mined": "In a block", "paid": "Paid",
		"final": "Final", "conflicted": "Conflict",
	}
	for name, c := range map[string]struct {
		standing
		next, says string   // of the API, of the page
		fates      []string // of both
	}{
		"a signer is asked": {standing{state: "broadcast", first: out, second: asked}, "wait", "Waiting for the signer", []string{"replaced", "signing"}},
		"people have to sign": {
			standing{state: "broadcast", first: out, second: asked, code: "no_signer"}, "sign", "Waiting for the signer", []string{"replaced", "signing"},
		},
		"both are out": {standing{state: "broadcast", first: out, second: out, signed: true}, "wait", "Sent, waiting for a block", []string{"replaced", "broadcast"}},
		"no node takes it": {
			standing{state: "broadcast", first: out, second: out, signed: true, code: "refused", tries: 3},
			"investigate", "It does not go on by itself",
			[]string{"replaced", "broadcast"},
		},
		"it fell out of the mempool": {
			standing{state: "broadcast", first: out, second: out, signed: true, code: "not_relayed", tries: 1},
			"investigate", "It does not go on by itself",
			[]string{"replaced", "broadcast"},
		},
		"the second is in a block": {
			standing{state: "mined", first: out, second: out + " mined", signed: true, mined: 2}, "wait", "In a block; waiting for more on top", []string{"replaced", "mined"},
		},
		"the first is in a block": {
			standing{state: "mined", first: out + " mined", second: out, signed: true, mined: 1}, "wait", "In a block; waiting for more on top", []string{"mined", "replaced"},
		},
		"its block was replaced": {
			standing{state: "broadcast", first: out, second: out + " mined reorged", signed: true}, "wait", "Sent, waiting for a block", []string{"replaced", "broadcast"},
		},
		"paid": {
			standing{state: "paid", first: out, second: out + " mined paid", signed: true, mined: 2, deep: 4}, "wait", "Paid. Nothing is left to do", []string{"replaced", "paid"},
		},
		"final": {
			standing{state: "final", first: out + " dead", second: out + " mined paid final", signed: true, mined: 2, deep: 6}, "none", "Paid. Nothing is left to do", []string{"dead", "final"},
		},
		"it was cancelled and a block pays it": {
			standing{state: "mined", first: out, second: out + " mined", signed: true, mined: 2, cancelled: true}, "wait", "In a block; waiting for more on top", []string{"replaced", "mined"},
		},
		"the void is in a block": {
			standing{state: "voiding", first: out, second: out + " mined", signed: true, mined: 2, deep: 4, void: true},
			"wait", "The replacement is in a block; waiting for more on top",
			[]string{"replaced", "mined"},
		},
		"a coin was spent elsewhere": {
			standing{state: "conflicted", first: out + " conflicted", second: out + " conflicted", signed: true},
			"investigate", "A coin of this batch was spent elsewhere",
			[]string{"conflicted", "conflicted"},
		},
		"the void is not made yet": {
			standing{state: "voiding", first: out, second: out, signed: true}, "wait", "The replacement that pays nobody is being made", []string{"replaced", "broadcast"},
		},
	} {
		r.putStanding(c.standing)
		want := stood{Next: c.next, Fates: c.fates, FeeSat: fees[1], Needed: int(payout.State(c.state).ConfirmationsNeeded(f))}
		if c.mined > 0 {
			want.FeeSat, want.Confirmations = fees[c.mined-1], 1+c.deep
			if c.cancelled {
				want.PaidAnyway = 1
			}
		}
		if diff := cmp.Diff(want, r.told(p.path, bearer)); diff != "" {
			t.Errorf("%s: the API: %s", name, diff)
		}
		want.Next, want.Fates = c.says, nil
		for _, fate := range c.fates {
			want.Fates = append(want.Fates, words[fate])
		}
		if diff := cmp.Diff(want, tove.shown(p.path)); diff != "" {
			t.Errorf("%s: the pages: %s", name, diff)
		}
	}
}
