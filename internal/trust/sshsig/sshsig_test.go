package sshsig_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const message = "causeway/charter/v1\nwhat people sign\n"

// keygen runs ssh-keygen in dir with stdin and returns what it wrote and whether it was content.
func keygen(t *testing.T, dir, stdin string, args ...string) (stdout string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("ssh-keygen does not run: %v", err)
	}
	return out.String() + complaints.String(), err == nil
}

// signed is a key that ssh-keygen made and a signature by it.
func signed(t *testing.T, namespace string, args ...string) (dir, public, signature string) {
	t.Helper()
	dir = t.TempDir()
	if out, ok := keygen(t, dir, "", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "key"); !ok {
		t.Fatal(out)
	}
	path := filepath.Join(dir, "message")
	if err := os.WriteFile(path, []byte(message), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, ok := keygen(t, dir, "", append([]string{"-Y", "sign", "-f", "key", "-n", namespace}, append(args, "message")...)...); !ok {
		t.Fatal(out)
	}
	return dir, strings.TrimSpace(read(t, filepath.Join(dir, "key.pub"))), read(t, path+".sig")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// theirs asks ssh-keygen whether signature is one over message by public.
func theirs(t *testing.T, dir, public, signature string) bool {
	t.Helper()
	for name, text := range map[string]string{"signers": "ann " + public + "\n", "sig": signature} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, ok := keygen(t, dir, message, "-Y", "verify", "-f", "signers", "-I", "ann", "-n", sshsig.Namespace, "-s", "sig")
	return ok
}

// ours is the verdict of this package.
func ours(public, signature, message string) error {
	s, err := sshsig.Parse([]byte(signature))
	if err != nil {
		return err
	}
	if s.Key.String() != public {
		return errs.New(errs.Invalid, "another_key", "another key")
	}
	return s.Verify([]byte(message))
}

func str(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func newDevice() *keytest.SSH {
	return keytest.NewSecurityKey(bytes.Repeat([]byte{7}, ed25519.SeedSize), keytest.Application)
}

// blobOf returns a key as it travels.
func blobOf(t testing.TB, k *keytest.SSH) string {
	t.Helper()
	blob, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(k.Key().String(), sshsig.TypeSecurityKey+" "))
	if err != nil {
		t.Fatal(err)
	}
	return string(blob)
}

// securityKey writes a key with an application that may not be one.
func securityKey(application string) string {
	return sshsig.Key{Type: sshsig.TypeSecurityKey, Application: application}.String()
}

// touched is a signature by a security key.
func touched(k *keytest.SSH, flags byte) string { return string(k.SignFlags([]byte(message), flags)) }

func frame(key, namespace, reserved, hash, signature string) string {
	return "SSHSIG\x00\x00\x00\x01" + str(key) + str(namespace) + str(reserved) + str(hash) + str(signature)
}

func armor(blob string) string {
	text := base64.StdEncoding.EncodeToString([]byte(blob))
	var b strings.Builder
	for i := 0; i < len(text); i += 70 {
		b.WriteString(text[i:min(i+70, len(text))] + "\n")
	}
	return "-----BEGIN SSH SIGNATURE-----\n" + b.String() + "-----END SSH SIGNATURE-----\n"
}

func dearmor(t *testing.T, signature string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(signature), "\n")
	blob, err := base64.StdEncoding.DecodeString(strings.Join(lines[1:len(lines)-1], ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(blob)
}

func TestWhatSSHKeygenSignsHolds(t *testing.T) {
	t.Parallel()
	dir, public, signature := signed(t, sshsig.Namespace)
	if err := ours(public, signature, message); err != nil || !theirs(t, dir, public, signature) {
		t.Fatalf("refused: %v", err)
	}
	if err := ours(public, signature, message+" "); !errs.Is(err, "sshsig_wrong") {
		t.Errorf("over another text: %v", err)
	}
	key, err := sshsig.ParseKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if listed, _ := keygen(t, dir, "", "-l", "-f", "key.pub"); !strings.Contains(listed, " "+key.Fingerprint()+" ") {
		t.Errorf("fingerprint %s, ssh-keygen says %s", key.Fingerprint(), listed)
	}
}

func TestASecurityKeyHasToBeTouched(t *testing.T) {
	t.Parallel()
	dir, d := t.TempDir(), newDevice()
	for _, flags := range []byte{0x01, 0x05} {
		if err := ours(d.Key().String(), touched(d, flags), message); err != nil || !theirs(t, dir, d.Key().String(), touched(d, flags)) {
			t.Errorf("flags %#x: refused: %v", flags, err)
		}
	}
	for _, flags := range []byte{0x00, 0x04, 0xfe} { // ssh-keygen leaves this to who asks
		if err := ours(d.Key().String(), touched(d, flags), message); !errs.Is(err, "sshsig_untouched") {
			t.Errorf("flags %#x: %v", flags, err)
		}
	}
}

// TestEveryFlippedByteIsRefused flips a bit of each byte of what is inside the armor, by which
// both verifiers have to refuse, and each bit of the armored text, of which ssh-keygen
// overlooks some (white space, and what follows the end).
func TestEveryFlippedByteIsRefused(t *testing.T) {
	t.Parallel()
	dir, public, signature := signed(t, sshsig.Namespace)
	d := newDevice()
	count := 0
	for _, c := range []struct{ public, signature string }{{public, signature}, {d.Key().String(), touched(d, 0x01)}} {
		blob := dearmor(t, c.signature)
		for i := range len(blob) {
			changed := []byte(blob)
			changed[i] ^= 1 << (i % 8)
			text := armor(string(changed))
			if err := ours(c.public, text, message); err == nil {
				t.Errorf("byte %d of the signature was flipped, and it was accepted", i)
			}
			if theirs(t, dir, c.public, text) {
				t.Errorf("byte %d of the signature was flipped, and ssh-keygen accepts it", i)
			}
			count++
		}
		for i := range len(c.signature) * 8 {
			text := []byte(c.signature)
			text[i/8] ^= 1 << (i % 8)
			if err := ours(c.public, string(text), message); err == nil {
				t.Errorf("bit %d of the armored text was flipped, and it was accepted", i)
			}
		}
	}
	t.Logf("%d flipped bytes, both refuse each", count)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, public, good := signed(t, sshsig.Namespace)
	_, _, login := signed(t, "file")
	_, _, short := signed(t, sshsig.Namespace, "-O", "hashalg=sha256")
	d := newDevice()
	inner := str(sshsig.TypeEd25519) + str(strings.Repeat("s", 64))
	key := str(sshsig.TypeEd25519) + str(strings.Repeat("k", 32))
	ok := frame(key, "causeway", "", "sha512", inner)
	for name, c := range map[string]struct {
		text string
		code errs.Code
	}{
		"empty":                     {"", "sshsig_armor"},
		"CR LF":                     {strings.ReplaceAll(good, "\n", "\r\n"), "sshsig_armor"},
		"a byte after it":           {good + "\n", "sshsig_armor"},
		"a byte before it":          {" " + good, "sshsig_armor"},
		"no last line feed":         {strings.TrimSuffix(good, "\n"), "sshsig_armor"},
		"one long line":             {"-----BEGIN SSH SIGNATURE-----\n" + base64.StdEncoding.EncodeToString([]byte(ok)) + "\n-----END SSH SIGNATURE-----\n", "sshsig_armor"},
		"too long":                  {armor(strings.Repeat("x", 2000)), "sshsig_armor"},
		"another namespace":         {login, "sshsig_namespace"},
		"another hash":              {short, "sshsig_hash"},
		"an unknown hash":           {armor(frame(key, "causeway", "", "md5", inner)), "sshsig_hash"},
		"something in reserved":     {armor(frame(key, "causeway", "x", "sha512", inner)), "sshsig_malformed"},
		"version 2":                 {armor(strings.Replace(ok, "\x00\x01", "\x00\x02", 1)), "sshsig_malformed"},
		"bytes left":                {armor(ok + "x"), "sshsig_malformed"},
		"cut short":                 {armor(ok[:len(ok)-1]), "sshsig_malformed"},
		"another magic":             {armor("X" + ok[1:]), "sshsig_malformed"},
		"bytes left inside":         {armor(frame(key, "causeway", "", "sha512", inner+"x")), "sshsig_malformed"},
		"a short signature":         {armor(frame(key, "causeway", "", "sha512", str(sshsig.TypeEd25519)+str("s"))), "sshsig_malformed"},
		"signature of another type": {armor(frame(blobOf(t, d), "causeway", "", "sha512", inner)), "sshsig_malformed"},
		"RSA":                       {armor(frame(str("ssh-rsa")+str("x"), "causeway", "", "sha512", inner)), "sshsig_key_type"},
		"a short key":               {armor(frame(str(sshsig.TypeEd25519)+str("k"), "causeway", "", "sha512", inner)), "sshsig_bad_key"},
		"a key with bytes left":     {armor(frame(key+"x", "causeway", "", "sha512", inner)), "sshsig_bad_key"},
		"no key":                    {armor(frame("", "causeway", "", "sha512", inner)), "sshsig_bad_key"},
	} {
		if err := ours(public, c.text, message); !errs.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestKeysHaveOneSpelling(t *testing.T) {
	t.Parallel()
	d := newDevice()
	good := d.Key().String()
	if k, err := sshsig.ParseKey(good); err != nil || k.String() != good || k.Application != "ssh:" {
		t.Fatalf("%+v, %v", k, err)
	}
	for name, text := range map[string]string{
		"empty": "", "a comment": good + " ann@laptop", "another name": strings.Replace(good, "sk-ssh", "ssh", 1), "two spaces": strings.Replace(good, " ", "  ", 1),
		"no padding": strings.TrimRight(good, "="), "a byte more": sshsig.TypeSecurityKey + " " + base64.StdEncoding.EncodeToString([]byte(blobOf(t, d)+"x")),
		"no application": securityKey(""), "a zero byte in it": securityKey("ssh:\x00"),
		"a long application": securityKey(strings.Repeat("s", 256)),
	} {
		if _, err := sshsig.ParseKey(text); text != good && !errs.Is(err, "sshsig_bad_key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherTypesOfKeysAreNamed(t *testing.T) {
	t.Parallel()
	text := "ssh-rsa " + base64.StdEncoding.EncodeToString([]byte(str("ssh-rsa")+str("e")+str("n")))
	if _, err := sshsig.ParseKey(text); !errs.Is(err, "sshsig_key_type") {
		t.Error(err)
	}
}

// FuzzParse: what is accepted is written by ssh-keygen's rules, and reading never fails otherwise
// than by an error.
func FuzzParse(f *testing.F) {
	d := newDevice()
	f.Add([]byte(touched(d, 1)))
	f.Add([]byte(armor(frame(str(sshsig.TypeEd25519)+str(strings.Repeat("k", 32)), "causeway", "", "sha512", str(sshsig.TypeEd25519)+str(strings.Repeat("s", 64))))))
	f.Add([]byte("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := sshsig.Parse(text)
		if err != nil {
			return
		}
		if k, err := sshsig.ParseKey(s.Key.String()); err != nil || k != s.Key {
			t.Errorf("its key is not one: %v", err)
		}
		if s.Verify([]byte(message)) == nil && string(text) != touched(d, 1) {
			t.Error("a signature was forged")
		}
	})
}
