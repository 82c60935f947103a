package identity_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func derive(t interface{ Fatal(...any) }, pepper, key, body string) identity.Receipt {
	r, err := identity.DeriveReceipt([]byte(pepper), key, sha256.Sum256([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReceiptIsAFunctionOfSubmissionAndSecret(t *testing.T) {
	t.Parallel()
	first := derive(t, "pepper", "key", "body").Code()

	if again := derive(t, "pepper", "key", "body").Code(); again != first {
		t.Errorf("a retry got %s after %s", again, first)
	}
	for _, other := range []identity.Receipt{derive(t, "pepper2", "key", "body"), derive(t, "pepper", "key2", "body"), derive(t, "pepper", "key", "body2")} {
		if other.Code() == first {
			t.Error("another submission got the same code")
		}
	}
	_, err := identity.DeriveReceipt([]byte("pepper"), "", [32]byte{})
	wantCode(t, err, "idempotency_key_missing")
}

func TestReceiptBitsAreAllUsed(t *testing.T) {
	t.Parallel()
	// Over 2000 codes each of the 32 characters turns up at each place; by chance
	// one would miss with probability below 10^-24.
	seen := make([]map[byte]bool, identity.ReceiptLen)
	for n := range 2000 {
		code := derive(t, "pepper", fmt.Sprint(n), "").Code()
		for i := range code {
			if seen[i] == nil {
				seen[i] = map[byte]bool{}
			}
			seen[i][code[i]] = true
		}
	}
	for i, chars := range seen {
		if len(chars) != 32 {
			t.Errorf("place %d takes %d characters, want 32", i, len(chars))
		}
	}
}

func TestReceiptSurvivesHowPeopleWriteIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := derive(t, "pepper", rapid.StringN(1, 40, 80).Draw(t, "key"), "")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		alike := map[rune]string{'0': "0Oo", '1': "1IiLl"}
		var typed strings.Builder
		for _, r := range want.Grouped() {
			choices := alike[r]
			if choices == "" {
				choices = string(r) + strings.ToLower(string(r))
			}
			typed.WriteByte(choices[rng.IntN(len(choices))])
			typed.WriteString([]string{"", "", " ", "-", "\u00a0", "\u2013", "\n"}[rng.IntN(7)])
		}

		got, err := identity.ParseReceipt(typed.String())

		if err != nil || got != want {
			t.Fatalf("%q: got %s, %v, want %s", typed.String(), got.Code(), err, want.Code())
		}
	})
}

func TestReceiptThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	code := derive(t, "pepper", "key", "").Code()
	for name, s := range map[string]string{
		"empty": "", "short": code[:25], "long": code + "0", "letter U": "U" + code[1:], "other script": "\u041e" + code[1:], "not UTF-8": "\xff" + code[1:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := identity.ParseReceipt(s)
			wantCode(t, err, "receipt_malformed")
			if s != "" && strings.Contains(fmt.Sprint(err), s) {
				t.Error("the error repeats the code, and so does the log")
			}
		})
	}
}

func TestReceiptDoesNotPrint(t *testing.T) {
	t.Parallel()
	r := derive(t, "pepper", "key", "")
	printed := fmt.Sprintf("%v %+v %s %q %#v %x %v", r, r, r, r, r, r, struct{ R identity.Receipt }{r}) + r.LogValue().String()
	if strings.Contains(printed, r.Code()) || strings.Contains(printed, fmt.Sprintf("%x", r.Code())) {
		t.Errorf("printed as %s", printed)
	}
	groups := strings.Split(r.Grouped(), "-")
	if len(groups) != 5 || strings.Join(groups, "") != r.Code() {
		t.Errorf("groups %v", groups)
	}
	if (identity.Receipt{}).Grouped() != "" {
		t.Error("the zero receipt has groups")
	}
}

func TestReceiptLookupNeedsThePepper(t *testing.T) {
	t.Parallel()
	r := derive(t, "pepper", "key", "")
	if r.LookupHash([]byte("pepper")) != derive(t, "pepper", "key", "").LookupHash([]byte("pepper")) || r.LookupHash([]byte("pepper")) == r.LookupHash([]byte("other")) {
		t.Error("the lookup hash is not a function of code and pepper")
	}
}

func FuzzParseReceipt(f *testing.F) {
	for _, s := range []string{"", "ABCDE-FGHJK-MNPQR-STVWX-YZ0123", "abcde fghjk mnpqr stvwx yzoIlL", "U", "\u2013\u00a0", "\xff\xfe", strings.Repeat("0", 27)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := identity.ParseReceipt(s)
		if err != nil {
			if !errs.Is(err, "receipt_malformed") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := identity.ParseReceipt(r.Grouped())
		if err != nil || again != r || len(r.Code()) != identity.ReceiptLen {
			t.Fatalf("%q reads as %s and then as %s, %v", s, r.Code(), again.Code(), err)
		}
	})
}
