package views

import "time"

// Review is the queue with one application beside it.
type Review struct {
	Filter    ReviewFilter
	Views     []ReviewRail // left rail
	Rows      []ReviewRow
	Total     Total
	Paging    Paging
	Selected  *ReviewDetail // nil shows a hint
	Protocols []Option
	Regions   []Option
	Languages []Option
	Budget    Budget
	MaxSearch int // characters
}

// ReviewFilter is the state of the list; every field is a query parameter.
type ReviewFilter struct {
	View                          string // "open", "mine", "needs_info", "ready", "all", ...
	Query, Protocol, Region, Lang string
	Selected                      string // application ID
	Unknown                       string // a parameter that is not understood: the list is then empty, never everything
	TooLong                       bool   // the query is, so the list is empty
}

// ReviewRail is one saved view; Name is the suffix of a "review.view."
// message.
type ReviewRail struct {
	Name, URL string
	Count     Total
	Current   bool
}

// Total is a number that is counted to a bound: More shows as "500+".
type Total struct {
	N    int64
	More bool
}

func (t Total) String() string {
	if t.More {
		return Group(t.N) + "+"
	}
	return Group(t.N)
}

// Budget is the fund's money of the current period.
type Budget struct {
	CommittedSat, TotalSat int64
}

// ReviewRow is one line of the queue.
type ReviewRow struct {
	ID, URL, DetailURL string // list with this row selected; the fragment of the detail
	Title, Lang        string
	State              string
	AmountSat          int64
	Operator           string
	Protocol, Region   string
	Flag               Msg // worst finding; may be empty
	Votes, VotesNeeded int
	SubmittedAt        time.Time
	ClaimedBy          string // "" when free
	ClaimedByMe        bool
}

// ReviewDetail is one application as reviewers see it.
type ReviewDetail struct {
	ID, Reference          string
	BackURL                string // the list with its filters
	BaseURL                string // "/review/<id>", forms post below it
	Title, Lang            string
	State                  string
	Revision               int
	Version                int64 // If-Match
	SubmittedAt            time.Time
	AmountSat              int64
	Fiat                   string // "≈ $3 750", may be empty
	Operator               string
	Region                 string
	Endpoints              []EndpointFact
	Panel                  *Panel // nil: nothing is measured here
	Narrative, Contact     string
	Sealed                 bool // contact and endpoints are hidden
	WordsSealed            bool // all that is sealed is: this person may not open it
	PayoutAddress, Network string
	Screened               []Screened
	Changes                []Change // against the revision last seen
	ChangesSince           int      // that revision
	ClaimedBy              string
	ClaimedByMe            bool
	ClaimedUntil           time.Time
	Votes                  []Vote
	VotesNeeded            int
	MyVerdict              string // "", "approve", "decline"
	Note                   SignedText
	CanClaim, CanVote      bool
	CanDecide              bool // quorum met, and this person may
	CannotWhy              Msg  // why there is no vote or decide button
	Timeline               []Event
	Messages               []Message
	DeclineReasons         []Option
	Typed                  ReviewTyped // what was typed into a form that was refused
	Errors                 []FieldError
}

// ReviewTyped holds the words of a refused form.
type ReviewTyped struct {
	VoteNote, Question, Decision, DecideNote, NoteText, MessageText string
}

// SignedText is a canonical note and its digest.
type SignedText struct {
	Text, Digest string
}

// EndpointFact is one server of an application and what was measured.
type EndpointFact struct {
	Protocol, Address string
	Level             string // "ok", "warn", "bad", "wait"
	Finding           Msg
}

// Check is one finding; Level is "ok", "warn", "bad" or "wait".
type Check struct {
	Level string
	Msg   Msg
}

// Screened is what one automatic check came to; Level is "pass", "low", "med" or
// "high".
type Screened struct {
	Check, Level, Reason string
	Others               []Link // applications that it is about
}

// Link is a name that leads somewhere.
type Link struct{ Name, URL string }

// Tone is the colour of the level.
func (s Screened) Tone() string {
	switch s.Level {
	case "pass":
		return "ok"
	case "high":
		return "bad"
	}
	return "warn"
}

// Vote is one reviewer's verdict on this revision.
type Vote struct {
	Who, Verdict, Note string
	At                 time.Time
}

// Event is one line of an object's history.
type Event struct {
	At   time.Time
	Who  string
	Tone string // "", "ok", "warn", "bad"
	Msg  Msg
}

// Approvals counts the votes that say yes.
func (d ReviewDetail) Approvals() int {
	n := 0
	for _, v := range d.Votes {
		if v.Verdict == "approve" {
			n++
		}
	}
	return n
}

// Grants is the list of approved grants.
type Grants struct {
	State  string // filter
	States []Option
	Rows   []GrantRow
	Total  int64
	Paging Paging
}

// GrantRow is one grant with its next instalment.
type GrantRow struct {
	ID, Reference, URL string // the application it came from
	Title, Lang        string
	Operator           string
	State              string
	AmountSat, PaidSat int64
	Instalment         string // state of the next or last instalment
	DueAt              time.Time
	DecidedAt          time.Time
}
