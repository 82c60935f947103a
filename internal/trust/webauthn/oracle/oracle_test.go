package oracle_test

import (
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/webauthn"
)

// answers is how many are judged.
const answers = 10_000

// job is one answer, and what was done to it.
type job struct {
	Key struct {
		Algorithm  string `json:"algorithm"`
		Public     []byte `json:"public"`
		Credential []byte `json:"credential"`
		Origin     string `json:"origin"`
	} `json:"key"`
	Challenge []byte             `json:"challenge"`
	Assertion webauthn.Assertion `json:"assertion"`
	done      string
}

func (j job) ours() error {
	k := webauthn.Key{Algorithm: j.Key.Algorithm, Public: string(j.Key.Public), Credential: string(j.Key.Credential), Origin: j.Key.Origin}
	return j.Assertion.Verify(k, [32]byte(j.Challenge))
}

// theirs asks the other library about all jobs, in one process.
func theirs(t *testing.T, jobs []job) []string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "tools", "oracle")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@simplewebauthn")); err != nil {
		t.Fatalf("the other library is not installed, run make deps: %v", err)
	}
	var input, stderr bytes.Buffer
	encoder := json.NewEncoder(&input)
	for _, j := range jobs {
		if err := encoder.Encode(j); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "passkeys.mjs")
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, &input, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(jobs) {
		t.Fatalf("%d answers to %d jobs", len(lines), len(jobs))
	}
	return lines
}

// stricter are the rules by which this package alone may refuse, and what the answer has then.
func stricter() map[errs.Code]string {
	return map[errs.Code]string{
		webauthn.CodeCredential:  "another credential, which the other leaves to its caller",
		webauthn.CodeClientData:  "client data that some readers take for something else",
		webauthn.CodeCrossOrigin: "a page inside another one, where the browser does not name that",
		webauthn.CodeTooLong:     "longer than browsers make it",
		webauthn.CodeSignature:   "a signature in BER that is not DER",
	}
}

// TestBothJudgeAlike damages answers of passkeys at random and has both libraries judge them.
func TestBothJudgeAlike(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	jobs := make([]job, answers)
	for i := range jobs {
		jobs[i] = newJob(r)
	}
	both := map[bool]int{}
	alone := map[errs.Code]int{}
	extensions := 0
	for i, verdict := range theirs(t, jobs) {
		j := jobs[i]
		err := j.ours()
		switch yes := verdict == "yes"; {
		case yes == (err == nil):
			both[yes]++
		case yes && isStricter(j, err):
			alone[codeOf(err)]++
		case !yes && extended(j): // what stands behind the 37 bytes is not read
			extensions++
		default:
			t.Errorf("%s, %s: ours %v, theirs %s\n%s\n%x", j.Key.Algorithm, j.done, err, verdict, j.Assertion.ClientData, j.Assertion.Signature)
		}
	}
	t.Logf("%d answers: both accept %d and refuse %d; %d with extensions that only the other reads", answers, both[true], both[false], extensions)
	for _, code := range slices.Sorted(maps.Keys(alone)) {
		t.Logf("%d refused by us alone, %s: %s", alone[code], code, stricter()[code])
	}
	if both[true] < answers/20 || both[false] < answers/2 || len(alone) != len(stricter()) || extensions == 0 {
		t.Errorf("the answers do not try what they should: %v, %v, %d", both, alone, extensions)
	}
}

func isStricter(j job, err error) bool {
	code := codeOf(err)
	if code == webauthn.CodeSignature {
		return j.Key.Algorithm == "es256" && !isDER(j.Assertion.Signature)
	}
	_, ok := stricter()[code]
	return ok
}

// isDER reports whether signature is two numbers, none below 0, in their one encoding.
func isDER(signature []byte) bool {
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &numbers); err != nil || numbers.R.Sign() < 0 || numbers.S.Sign() < 0 {
		return false
	}
	der, err := asn1.Marshal(numbers)
	return err == nil && bytes.Equal(der, signature)
}

func codeOf(err error) errs.Code {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func extended(j job) bool {
	data := j.Assertion.AuthenticatorData
	return len(data) > 37 && data[32]&(keytest.Attested|keytest.Extensions) != 0
}
