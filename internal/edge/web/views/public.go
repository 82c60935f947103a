package views

import "time"

// Home is the front page.
type Home struct {
	MinSat, MaxSat int64  // limits of one grant
	Quorum         int    // approvals an application needs
	PaidSat        int64  // all time, at 6 confirmations
	PaidCount      int64  // payments
	Open           bool   // applications are taken
	APIDocs        string // path of the API pages, empty hides the link
}

// Apply is the application form, one section at a time. All values travel in
// the form; the server keeps nothing before "send".
type Apply struct {
	Step           int // 1 service, 2 costs and payout, 3 check and send
	IdempotencyKey string
	Values         ApplyValues
	Errors         []FieldError
	Protocols      []Option
	Regions        []Option
	Languages      []Option
	MinSat, MaxSat int64
	Links          bool // servers can be given as links and files
}

// ApplyValues is what the operator typed, unparsed.
type ApplyValues struct {
	Title, Narrative, Contact string
	Region, Language          string
	AmountSat, PayoutAddress  string
	Endpoints                 []ApplyEndpoint // at least one row is drawn
}

// ApplyEndpoint is one row of the list of servers. Its form fields are
// repeated names in row order: endpoint_protocol, endpoint_host,
// endpoint_port, endpoint_username, endpoint_secret.
type ApplyEndpoint struct {
	Protocol, Host, Port, Username, Secret string
	Link                                   string // endpoint_link: a link or the text of a file, instead of the others
	Understood                             *Understood
}

// Receipt is the page after sending: the code is shown until it has been
// typed back.
type Receipt struct {
	Code      string // grouped with dashes
	Reference string
	Check     string // "" not typed yet, "wrong", "ok"
}

// Status is the operator's page: a form for the code, and below it the
// application once the code is known.
type Status struct {
	Code      string // as it came; carried in the page's own forms, never in a URL
	CodeError string // "", "unknown" or "malformed"

	Found          bool
	Reference      string
	Title, Lang    string
	State          string // application state; or grant/instalment once approved
	Reason         Msg    // of a decline or a hold; may be empty
	SubmittedAt    time.Time
	Timeline       []StatusEvent
	Messages       []Message
	AwaitingAnswer bool
	Answer         string // typed answer that was refused
	Errors         []FieldError
	Payment        StatusPayment
	Servers        []Server
	CanWithdraw    bool
}

// StatusEvent is one line of the timeline; Code is the suffix of a
// "timeline." message.
type StatusEvent struct {
	At   time.Time
	Code string // e.g. "received", "approved", "broadcast", "confirmed"
	Tone string // "", "ok", "warn", "bad", "now"
}

// StatusPayment is where the money is.
type StatusPayment struct {
	AmountSat     int64
	Address       string
	State         string // "", "waiting", "queued", "signing", "broadcast", "delayed", "confirming", "paid"
	TxID          string
	Vout          int
	Height        int64
	Confirmations int64
	Needed        int // confirmations until paid
}

// Message is one line of the talk between operator and team.
type Message struct {
	At       time.Time
	From     string // "operator", "team", or a staff name in staff views
	Audience string // "operator" or "team": who can read it
	Text     string
	Lang     string
}

// ErrorPage says what happened, whether money moved, and what to do next.
type ErrorPage struct {
	Status    int    // HTTP status
	Code      string // stable slug: "error.<code>" is looked up for the words
	What      Msg    // what happened
	Next      Msg    // what to do; empty takes the words for the status
	RequestID string
	Versions  *VersionClash // for a stale If-Match
	BackURL   string
}

// VersionClash shows the two sides of a lost update.
type VersionClash struct {
	Yours, Current int64
	Changes        []Change
	ReloadURL      string
}

// Change is one field that differs: Label is the suffix of a "change."
// message.
type Change struct {
	Label, Old, New string
}

// SignIn is the staff's door.
type SignIn struct {
	Error    Msg
	ReturnTo string // path to go to afterwards
	BeginURL string // JSON: WebAuthn request options
	DoneURL  string // JSON: the assertion
}

// Enrol is the page behind an invite link.
type Enrol struct {
	Name, Role string
	ExpiresAt  time.Time
	Token      string
	BeginURL   string
	DoneURL    string
	Invalid    bool // used, expired or unknown
}

// LoginLink is the page behind a one-time sign-in link of a demo.
type LoginLink struct {
	Name    string
	PostURL string
	Invalid bool
}
