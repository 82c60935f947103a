package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/secretfile"
)

const maxCheckpointBytes = 4 << 10

// Checkpoint says what the whole log was at some size. Its text form is C2SP
// tlog-checkpoint: origin, size and root, each on a line, in a signed note.
type Checkpoint struct {
	Origin string // which log; equals the name of the key that signs it
	Size   int64  // rows
	Root   tlog.Hash
}

// Origin returns the origin line of a fund's log.
func Origin(fundID string) string { return "causeway/" + fundID }

// text returns what is signed.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// OpenCheckpoint checks the signature of a checkpoint against the public key
// (vkey, the text that GenerateKeyFile returns) and reads it. Invalid
// "checkpoint_refused" when it is not this log's or not signed by that key.
func OpenCheckpoint(signed, vkey string) (Checkpoint, error) {
	c, err := openCheckpoint(signed, vkey)
	if err != nil {
		return Checkpoint{}, errs.Wrap(
			err,
			errs.Invalid,
			CodeCheckpointRefused,
			"A checkpoint is damaged or not signed by the given key.",
		)
	}
	return c, nil
}

func openCheckpoint(signed, vkey string) (Checkpoint, error) {
	if len(signed) > maxCheckpointBytes {
		return Checkpoint{}, fmt.Errorf("a checkpoint of %d bytes; the limit is %d", len(signed), maxCheckpointBytes)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("public key: %w", err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("signed note: %w", err)
	}
	// Lines after the third are extensions, which a reader must pass over.
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return Checkpoint{}, fmt.Errorf("not a checkpoint of log %q", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("tree size %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("root hash %q", lines[2])
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}, nil
}

// Signer signs checkpoints of one log.
type Signer struct {
	key  note.Signer
	vkey string
}

// GenerateKeyFile makes an Ed25519 key named origin and writes it, mode 0600, to
// a file that must not exist yet: the private key on the first line, the public
// key on the second. It returns the public key, which is to be published.
func GenerateKeyFile(path, origin string) (vkey string, err error) {
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", fmt.Errorf("make checkpoint key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("create checkpoint key file: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s\n%s\n", skey, vkey)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write checkpoint key file: %w", err)
	}
	return vkey, nil
}

// LoadSigner reads a file of GenerateKeyFile. Unavailable "key_file_missing",
// "key_file_mode" or "key_file_malformed".
func LoadSigner(path string) (*Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeKeyFileMissing,
			"The checkpoint key file "+path+" cannot be read.",
		)
	}
	if err := secretfile.Check("checkpoint key file", path, info); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeKeyFileMissing,
			"The checkpoint key file "+path+" cannot be read.",
		)
	}
	s, err := parseSigner(b)
	if err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeKeyFileMalformed,
			"The checkpoint key file "+path+" is damaged.",
		)
	}
	return s, nil
}

func parseSigner(b []byte) (*Signer, error) {
	lines := bytes.Fields(b)
	if len(lines) != 2 {
		return nil, fmt.Errorf("%d words, not a private and a public key", len(lines))
	}
	key, err := note.NewSigner(string(lines[0]))
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	s := &Signer{key: key, vkey: string(lines[1])}
	trial, err := s.Sign(0, tlog.Hash{})
	if err != nil {
		return nil, err
	}
	if _, err := openCheckpoint(trial, s.vkey); err != nil {
		return nil, fmt.Errorf("private and public key do not belong together: %w", err)
	}
	return s, nil
}

// Origin returns the name of the log that s signs for.
func (s *Signer) Origin() string { return s.key.Name() }

// PublicKey returns the text by which others verify.
func (s *Signer) PublicKey() string { return s.vkey }

// Sign returns the signed checkpoint of the log at size rows.
func (s *Signer) Sign(size int64, root tlog.Hash) (string, error) {
	c := Checkpoint{Origin: s.key.Name(), Size: size, Root: root}
	signed, err := note.Sign(&note.Note{Text: c.text()}, s.key)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint %d: %w", size, err)
	}
	return string(signed), nil
}

// String hides the key.
func (*Signer) String() string { return "[key]" }

// GoString hides the key.
func (*Signer) GoString() string { return "[key]" }
