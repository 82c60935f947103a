package sshsig_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// runsEnv says how many damaged signatures are judged; `make nightly` asks for 10,000.
const runsEnv = "SSHSIG_RUNS"

// stricter are the rules by which this package alone may refuse, and what the signature has then.
func stricter() map[errs.Code]string {
	return map[errs.Code]string{
		sshsig.CodeArmor:     "armor in another spelling than ssh-keygen's",
		sshsig.CodeHash:      "SHA-256",
		sshsig.CodeUntouched: "a security key that nobody touched",
		sshsig.CodeMalformed: "version 0 or a reserved field that is filled, which no key signs",
	}
}

// unsigned reports whether a signature differs in what its key does not sign: version and reserved.
func unsigned(t *testing.T, text string) bool {
	blob := []byte(dearmor(t, text))
	version, rest := blob[6:10], blob[10:]
	for range 2 { // key and namespace
		rest = rest[4+binary.BigEndian.Uint32(rest):]
	}
	return binary.BigEndian.Uint32(version) == 0 || binary.BigEndian.Uint32(rest) > 0
}

// TestBothJudgeAlike damages signatures at random; ssh-keygen and this package judge each.
func TestBothJudgeAlike(t *testing.T) {
	t.Parallel()
	runs := 300
	if text := os.Getenv(runsEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s is no number: %v", runsEnv, err)
		}
		runs = n
	}
	r, dir := rand.New(rand.NewPCG(3, 4)), t.TempDir()
	both, alone := map[bool]int{}, map[errs.Code]int{}
	for range runs {
		key := pick(r, keytest.NewSSH(keytest.Seed("ed")), keytest.NewSecurityKey(keytest.Seed("sk"), keytest.Application))
		public := key.Key().String()
		text, done := damaged(t, r, key)
		err := ours(public, text, message)
		var e *errs.Error
		errors.As(err, &e)
		switch yes := theirs(t, dir, public, text); {
		case yes == (err == nil):
			both[yes]++
		case yes && stricter()[e.Code] != "" && (e.Code != sshsig.CodeMalformed || unsigned(t, text)):
			alone[e.Code]++
		default:
			t.Errorf("%s: ours %v, ssh-keygen %t\n%s", done, err, yes, text)
		}
	}
	t.Logf("%d signatures: both accept %d and refuse %d", runs, both[true], both[false])
	for _, code := range slices.Sorted(maps.Keys(alone)) {
		t.Logf("%d refused by us alone, %s: %s", alone[code], code, stricter()[code])
	}
	if both[true] < runs/50 || both[false] < runs/2 || len(alone) != len(stricter()) {
		t.Errorf("the signatures do not try what they should: %v, %v", both, alone)
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// damaged returns a signature by key over message after one or two changes, and which.
func damaged(t *testing.T, r *rand.Rand, key *keytest.SSH) (text, done string) {
	flags := pick(r, byte(1), 1, 1, 0, 5, byte(r.Uint32()))
	blob := dearmor(t, string(key.SignFlags([]byte(message), flags)))
	for range pick(r, 0, 1, 1, 2) {
		name := pick(r, "a flipped bit", "a byte less", "a byte more", "a field", "cut", "long")
		done += name + " inside; "
		i := r.IntN(len(blob))
		switch name {
		case "a flipped bit":
			changed := []byte(blob)
			changed[i] ^= 1 << r.IntN(8)
			blob = string(changed)
		case "a byte less":
			blob = blob[:i] + blob[i+1:]
		case "a byte more":
			blob = blob[:i] + string([]byte{byte(r.Uint32())}) + blob[i:]
		case "a field":
			from := pick(r, "causeway", "sha512", "SSHSIG", sshsig.TypeEd25519, sshsig.TypeSecurityKey, "ssh:", "\x00\x00\x00\x01", str("causeway")+str(""))
			to := pick(r, "file", "sha256", "SSHSIG", sshsig.TypeEd25519, "ssh-rsa", "", "\x00\x00\x00\x00", str("causeway")+str("x"))
			blob = strings.Replace(blob, from, to, pick(r, 1, -1))
		case "cut":
			blob = blob[:i+1]
		case "long":
			blob += strings.Repeat("\x00", 1+r.IntN(3))
		}
	}
	text = armor(blob)
	if name := pick(r, "", "", "", "", "white space", "behind", "before", "a bit of the armor", "one line", "SHA-256"); name != "" {
		done += name
		switch name {
		case "white space":
			i := strings.Index(text, "\n") + 1 + r.IntN(len(text)/2)
			text = text[:i] + pick(r, " ", "\n", "\t", "\r") + text[i:]
		case "behind":
			text += pick(r, "\n", "x", "more\n")
		case "before":
			text = pick(r, "\n", " ", "more\n") + text
		case "a bit of the armor":
			changed := []byte(text)
			changed[r.IntN(len(changed))] ^= 1 << r.IntN(8)
			text = string(changed)
		case "one line":
			text = "-----BEGIN SSH SIGNATURE-----\n" + base64.StdEncoding.EncodeToString([]byte(blob)) + "\n-----END SSH SIGNATURE-----\n"
		case "SHA-256":
			_, _, text = signedBy(t, key.File(), "-O", "hashalg=sha256")
		}
	}
	return text, done
}

// signedBy has ssh-keygen sign message with a key.
func signedBy(t *testing.T, private []byte, args ...string) (dir, public, signature string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"key": string(private), "message": message} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append(append([]string{"-Y", "sign", "-f", "key", "-n", sshsig.Namespace}, args...), "message")
	if out, ok := keygen(t, dir, "", args...); !ok {
		t.Fatal(out)
	}
	return dir, "", read(t, dir+"/message.sig")
}
