package vantage

import (
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
)

// Place says on which side of a censor a prober stands.
type Place string

// The places.
const (
	Outside Place = "outside"
	Inside  Place = "inside" // in the network that blocks
)

// Places returns all places.
func Places() []Place { return []Place{Outside, Inside} }

// Kind is what a job is for.
type Kind string

// The kinds of jobs.
const (
	KindSlot    Kind = "slot"    // the check of a slot, or a confirmation of it
	KindRecheck Kind = "recheck" // an operator asked; counts for no slot
	KindControl Kind = "control" // does the applicant control it
	KindCanary  Kind = "canary"  // the answer is known: it scores the prober
)

// Job is one check that a prober is asked to make.
type Job struct {
	ID         uuid.UUID           `json:"id"` // random; says nothing of the endpoint, is answered once
	Kind       Kind                `json:"kind"`
	Mode       probe.Mode          `json:"mode"`
	Spec       string              `json:"spec"`                 // what link.Parse reads
	Credential *control.Credential `json:"credential,omitempty"` // put into the spec before it is checked
	Decoy      *control.Credential `json:"decoy,omitempty"`      // KindControl: with this one it must fail
	Challenge  *Challenge          `json:"challenge,omitempty"`  // KindControl, instead of Credential
	Twin       string              `json:"twin,omitempty"`       // what link.Parse reads: is one process behind it and Spec?
	DC         int                 `json:"dc"`                   // Telegram data centre to ask for
	EchoNonce  string              `json:"echo_nonce,omitempty"` // "": do not ask the echo server
	Due        time.Time           `json:"due"`                  // not before
	Until      time.Time           `json:"until"`                // not after
}

// Challenge is a control proof without a credential.
type Challenge struct {
	Kind  control.Kind `json:"kind"` // control.KindPort or control.KindDNS
	Token string       `json:"token"`
}

// Telegram is what checks need to know of Telegram.
type Telegram struct {
	KeysPEM string   `json:"keys_pem"`
	Centres []Centre `json:"centres"`
}

// Centre is one data centre.
type Centre struct {
	ID   int    `json:"id"`
	Addr string `json:"addr"` // ip:port
}

// Lease is work for one prober for a short time, signed by the service.
type Lease struct {
	V        int       `json:"v"`
	ID       uuid.UUID `json:"id"`
	Vantage  uuid.UUID `json:"vantage"`
	Issued   time.Time `json:"issued"` // the service's clock: a prober whose own is off says so
	Expires  time.Time `json:"expires"`
	Telegram Telegram  `json:"telegram"`
	EchoURL  string    `json:"echo_url,omitempty"`
	Jobs     []Job     `json:"jobs"`
	Next     int       `json:"next_s"` // ask again after so many seconds
}

// Ask is a prober's request for a lease.
type Ask struct {
	V       int       `json:"v"`
	Vantage uuid.UUID `json:"vantage"`
	At      time.Time `json:"at"` // later than in any request before
	Max     int       `json:"max"`
	SW      string    `json:"sw"`
}

// Answer is what came of one job.
type Answer struct {
	Job     uuid.UUID     `json:"job"`
	Started time.Time     `json:"started"`
	Outcome probe.Outcome `json:"outcome"`
	// Decoy is what the decoy credential gave; only for control jobs that have one.
	Decoy *probe.Outcome `json:"decoy,omitempty"`
	// Twin is what came of Job.Twin.
	Twin Twin `json:"twin,omitempty"`
}

// Twin says whether two addresses lead to one process.
type Twin string

// The answers about twins.
const (
	TwinLinked   Twin = "linked"
	TwinNotShown Twin = "not_shown" // which proves nothing
	TwinUnknown  Twin = "unknown"
)

// Report is a link of a prober's chain of reports.
type Report struct {
	V       int       `json:"v"`
	Vantage uuid.UUID `json:"vantage"`
	Lease   uuid.UUID `json:"lease"`
	Seq     uint64    `json:"seq"`  // one more than the report before; the first is 1
	Prev    string    `json:"prev"` // hex SHA-256 of the signed bytes of the report before; 64 zeros for the first
	Clock   time.Time `json:"clock"`
	SW      string    `json:"sw"`
	Answers []Answer  `json:"answers"`
}

// Envelope carries any of these messages: the exact bytes that were signed.
type Envelope struct {
	Body      []byte `json:"body"` // base64 in JSON
	Signature []byte `json:"signature"`
}

// Enrolment is how a prober introduces itself, with a token that works once.
type Enrolment struct {
	Token     string `json:"token"`
	PublicKey []byte `json:"public_key"` // Ed25519
}

// Welcome answers an enrolment.
type Welcome struct {
	Vantage    uuid.UUID `json:"vantage"`
	Name       string    `json:"name"`
	ServiceKey []byte    `json:"service_key"` // Ed25519: signs leases
}
