package vantage

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Version is the version of Ask, Lease and Report.
const Version = 1

// The most bytes of each message, and the most jobs and answers of one.
const (
	MaxAsk      = 2 << 10
	MaxLease    = 4 << 20
	MaxReport   = 1 << 20
	MaxTelegram = 128 << 10
	MaxJobs     = 500
	MaxAnswers  = 100
)

// What a signature is for: the context of RFC 8032 section 5.1 (Ed25519ctx). A
// signature of one kind of message is worth nothing under another.
const (
	forAsk    = "causeway/vantage/ask/v1"
	forLease  = "causeway/vantage/lease/v1"
	forReport = "causeway/vantage/report/v1"
)

// KeyOf returns the Ed25519 public key of a prober, or why it may not speak.
type KeyOf func(vantage uuid.UUID) (ed25519.PublicKey, error)

// message is what can be signed.
type message interface {
	Validate() error
}

// Hash returns SHA-256 of the signed bytes: what the next report names as Prev.
func (e Envelope) Hash() [sha256.Size]byte { return sha256.Sum256(e.Body) }

// SignAsk returns the signed a. It refuses what OpenAsk would refuse.
func SignAsk(key ed25519.PrivateKey, a Ask) (Envelope, error) { return sign(forAsk, MaxAsk, key, a) }

// SignLease returns the signed l. It refuses what OpenLease would refuse.
func SignLease(key ed25519.PrivateKey, l Lease) (Envelope, error) {
	return sign(forLease, MaxLease, key, l)
}

// SignReport returns the signed r. It refuses what OpenReport would refuse.
func SignReport(key ed25519.PrivateKey, r Report) (Envelope, error) {
	return sign(forReport, MaxReport, key, r)
}

// OpenAsk returns what the envelope says if the prober that it names has signed
// it. Errors are Malformed "message_refused", Unauthenticated "signature_wrong",
// and those of key.
func OpenAsk(e Envelope, key KeyOf) (Ask, error) {
	return open(forAsk, MaxAsk, e, func(a Ask) (ed25519.PublicKey, error) { return key(a.Vantage) })
}

// OpenLease returns what the envelope says if key has signed it. Errors are those
// of OpenAsk.
func OpenLease(e Envelope, key ed25519.PublicKey) (Lease, error) {
	return open(forLease, MaxLease, e, func(Lease) (ed25519.PublicKey, error) { return key, nil })
}

// OpenReport returns what the envelope says if the prober that it names has
// signed it. Errors are those of OpenAsk. Whether the report has its place in
// the prober's chain says Follows.
func OpenReport(e Envelope, key KeyOf) (Report, error) {
	return open(forReport, MaxReport, e, func(r Report) (ed25519.PublicKey, error) { return key(r.Vantage) })
}

func sign[T message](purpose string, limit int, key ed25519.PrivateKey, m T) (Envelope, error) {
	if len(key) != ed25519.PrivateKeySize {
		return Envelope{}, errors.New("sign message: the key is not an Ed25519 private key")
	}
	body, err := json.Marshal(m)
	if err != nil {
		return Envelope{}, fmt.Errorf("sign message: %w", err)
	}
	again, err := decode[T](body, limit)
	if err == nil {
		err = again.Validate()
	}
	if err != nil {
		return Envelope{}, fmt.Errorf("sign message: %w", err)
	}
	signature, err := key.Sign(nil, body, &ed25519.Options{Hash: crypto.Hash(0), Context: purpose})
	if err != nil {
		return Envelope{}, fmt.Errorf("sign message: %w", err)
	}
	return Envelope{Body: body, Signature: signature}, nil
}

// open reads before it verifies, since only the message says whose key to take.
// Nothing of it leaves this function unverified but the name that keyOf looks up.
func open[T message](purpose string, limit int, e Envelope, keyOf func(T) (ed25519.PublicKey, error)) (T, error) {
	var none T
	m, err := decode[T](e.Body, limit)
	if err != nil {
		return none, refused(err)
	}
	key, err := keyOf(m)
	if err != nil {
		return none, err
	}
	if len(key) != ed25519.PublicKeySize ||
		ed25519.VerifyWithOptions(key, e.Body, e.Signature, &ed25519.Options{Context: purpose}) != nil {
		return none, errs.New(
			errs.Unauthenticated,
			CodeSignatureWrong,
			"The message is not signed with the enrolled key. Nothing was saved. Enrol again if the key was lost.",
		)
	}
	if err := m.Validate(); err != nil {
		return none, refused(err)
	}
	return m, nil
}

func refused(err error) error {
	return errs.Wrap(
		err,
		errs.Malformed,
		CodeMessageRefused,
		"This version cannot read the message: "+err.Error()+". Nothing was saved. Both sides may need the same version.",
	)
}

// decode reads a message in its one spelling, which is what encoding/json writes:
// what is read is written again, and must give the same bytes. So there is no
// name that is unknown, repeated or in another case, nothing behind the message,
// and no second reading of it.
func decode[T any](body []byte, limit int) (T, error) {
	var m, none T
	if len(body) > limit {
		return none, fmt.Errorf("it has more than %d bytes", limit)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return none, errors.New("it is not JSON of this kind of message")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return none, errors.New("there is more after its end")
	}
	again, err := json.Marshal(m)
	if err != nil || !bytes.Equal(again, body) {
		return none, errors.New("it is not in canonical form")
	}
	return m, nil
}
