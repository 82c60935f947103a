package uptime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// SnapshotVersion is the version of Snapshot.
const SnapshotVersion = 1

// Limits on a snapshot; twenty endpoints of 31 days have about 100 KB.
const (
	maxText      = 1 << 20
	maxEndpoints = 100
	maxDays      = 100
	maxBreaks    = 1000
	maxWord      = 64
)

// The places of checks, as package vantage has them.
const (
	outside = "outside"
	inside  = "inside"
)

// Decision is what an uptime says of a payment.
type Decision string

// The decisions.
const (
	Pay          Decision = "pay"
	HoldUnproven Decision = "hold_unproven" // control of an endpoint is not proven, or there is no endpoint
	HoldCoverage Decision = "hold_coverage" // too little is known: for people to look at
	HoldBelow    Decision = "hold_below"    // it is surely below the threshold
)

// Thresholds say what a payment needs.
type Thresholds struct {
	MinCoveragePermille int  `json:"min_coverage_permille"`
	MinUptimePermille   int  `json:"min_uptime_permille"` // 0: uptime decides nothing
	RequireControl      bool `json:"require_control"`     // only proven endpoints are paid for
}

// Decide returns what u says. A payment is held for its uptime only when even the
// high end of the interval is below the threshold.
func Decide(u Uptime, proven bool, t Thresholds) Decision {
	switch {
	case t.RequireControl && !proven:
		return HoldUnproven
	case t.MinUptimePermille <= 0:
		return Pay
	case u.Slots == 0 || u.CoveragePermille < t.MinCoveragePermille:
		return HoldCoverage
	case u.HighPermille < t.MinUptimePermille:
		return HoldBelow
	}
	return Pay
}

// Snapshot is what a decision was made from. Its text is its only spelling.
type Snapshot struct {
	V           int        `json:"v"`
	Application string     `json:"application"` // public reference
	Place       string     `json:"place"`
	Thresholds  Thresholds `json:"thresholds"`
	NoticeS     int        `json:"notice_s"` // how long before a break it has to be declared
	Endpoints   []Measured `json:"endpoints"`
	Total       Figures    `json:"total"`
	Decision    Decision   `json:"decision"`
}

// Measured is one endpoint of a snapshot.
type Measured struct {
	Endpoint string      `json:"endpoint"` // public label
	Protocol string      `json:"protocol"`
	Proven   bool        `json:"proven"` // control, at the time of the snapshot
	From     time.Time   `json:"from"`
	To       time.Time   `json:"to"`
	Days     []DayText   `json:"days"`
	Breaks   []BreakText `json:"maintenance"`
	Figures  Figures     `json:"figures"`
}

// DayText is a day of a snapshot.
type DayText struct {
	Day      string `json:"day"` // 2026-11-22
	SlotS    int    `json:"slot_s"`
	Marks    string `json:"marks"`
	Attempts int    `json:"attempts"`
	Evidence string `json:"evidence"` // 64 hex digits
}

// BreakText is a break of a snapshot.
type BreakText struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Declared time.Time `json:"declared"`
}

// Figures are an Uptime as text.
type Figures struct {
	Slots            int `json:"slots"`
	Up               int `json:"up"`
	Down             int `json:"down"`
	Unknown          int `json:"unknown"`
	Maintenance      int `json:"maintenance"` // part of unknown
	Permille         int `json:"permille"`
	CoveragePermille int `json:"coverage_permille"`
	LowPermille      int `json:"low_permille"`
	HighPermille     int `json:"high_permille"`
}

// Input is one endpoint that a snapshot is made of.
type Input struct {
	Endpoint string
	Protocol string
	Proven   bool
	Window   Window
	Days     []Day // days outside the window are left out
	Breaks   []Break
}

// NewSnapshot measures endpoints, which count together, and decides.
func NewSnapshot(application, place string, t Thresholds, notice time.Duration, endpoints []Input) Snapshot {
	s := Snapshot{
		V:           SnapshotVersion,
		Application: application,
		Place:       place,
		Thresholds:  t,
		NoticeS:     int(notice / time.Second),
		Endpoints:   []Measured{},
	}
	for _, in := range endpoints {
		m := Measured{
			Endpoint: in.Endpoint,
			Protocol: in.Protocol,
			Proven:   in.Proven,
			From:     second(in.Window.From),
			To:       second(in.Window.To),
			Days:     []DayText{},
			Breaks:   []BreakText{},
		}
		for _, d := range in.Days {
			if d.Day.Before(m.To) && d.Day.AddDate(0, 0, 1).After(m.From) {
				m.Days = append(
					m.Days,
					DayText{
						Day:      d.Day.UTC().Format(time.DateOnly),
						SlotS:    d.SlotS,
						Marks:    d.Marks,
						Attempts: d.Attempts,
						Evidence: hex.EncodeToString(d.Evidence[:]),
					},
				)
			}
		}
		slices.SortFunc(m.Days, func(a, b DayText) int { return strings.Compare(a.Day, b.Day) })
		for _, b := range in.Breaks {
			if b.From.Before(m.To) && b.To.After(m.From) {
				m.Breaks = append(
					m.Breaks,
					BreakText{From: second(b.From), To: second(b.To), Declared: second(b.Declared)},
				)
			}
		}
		slices.SortFunc(m.Breaks, compareBreaks)
		s.Endpoints = append(s.Endpoints, m)
	}
	return s.computed()
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func compareBreaks(a, b BreakText) int {
	for _, c := range []int{a.From.Compare(b.From), a.To.Compare(b.To), a.Declared.Compare(b.Declared)} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// computed returns s with every figure and the decision made anew.
func (s Snapshot) computed() Snapshot {
	s.Endpoints = slices.Clone(s.Endpoints)
	all := make([]Uptime, len(s.Endpoints))
	proven := len(s.Endpoints) > 0
	for i, m := range s.Endpoints {
		all[i] = m.measure(time.Duration(s.NoticeS) * time.Second)
		s.Endpoints[i].Figures = Figures(all[i])
		proven = proven && m.Proven
	}
	total := Sum(all)
	s.Total, s.Decision = Figures(total), Decide(total, proven, s.Thresholds)
	return s
}

func (m Measured) measure(notice time.Duration) Uptime {
	var days []Day
	for _, d := range m.Days {
		day, err := time.ParseInLocation(time.DateOnly, d.Day, time.UTC)
		if err == nil { // refused by ParseSnapshot, and not made by NewSnapshot
			days = append(days, Day{Day: day, SlotS: d.SlotS, Marks: d.Marks})
		}
	}
	var breaks []Break
	for _, b := range m.Breaks {
		breaks = append(breaks, Break(b))
	}
	return Measure(days, breaks, notice, Window{From: m.From, To: m.To})
}

// Text returns the canonical text of s and its SHA-256: JSON with one name a
// line, in the order of the types above.
func (s Snapshot) Text() ([]byte, [32]byte, error) {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("encode snapshot: %w", err)
	}
	text = append(text, '\n')
	return text, sha256.Sum256(text), nil
}

// ParseSnapshot reads what Text wrote, and nothing else: another spelling,
// unknown names, values beyond the limits and days without order are refused. It
// does not look whether the figures are right. Invalid "snapshot_form".
func ParseSnapshot(text []byte) (Snapshot, error) {
	s, err := parse(text)
	if err != nil {
		return Snapshot{}, errs.Wrap(
			err,
			errs.Invalid,
			CodeSnapshotForm,
			"This is not an uptime snapshot in this program's format: "+err.Error()+".",
		)
	}
	return s, nil
}

func parse(text []byte) (Snapshot, error) {
	if len(text) > maxText {
		return Snapshot{}, fmt.Errorf("it has more than %d bytes", maxText)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var s Snapshot
	if err := dec.Decode(&s); err != nil {
		return Snapshot{}, errors.New("it is not the JSON of a snapshot")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Snapshot{}, errors.New("there is more after its end")
	}
	if err := s.validate(); err != nil {
		return Snapshot{}, err
	}
	again, _, err := s.Text()
	if err != nil || !bytes.Equal(again, text) {
		return Snapshot{}, errors.New("it is not in canonical form")
	}
	return s, nil
}

func (s Snapshot) validate() error {
	switch {
	case s.V != SnapshotVersion:
		return fmt.Errorf("version %d is not %d", s.V, SnapshotVersion)
	case !word(s.Application):
		return errors.New("the application is not a word")
	case s.Place != outside && s.Place != inside:
		return errors.New("the place is neither outside nor inside")
	case s.Endpoints == nil || len(s.Endpoints) > maxEndpoints:
		return fmt.Errorf("endpoints are missing or more than %d", maxEndpoints)
	case s.NoticeS < 0 || s.NoticeS > 366*24*3600:
		return errors.New("the notice is not a duration")
	}
	for _, m := range s.Endpoints {
		if err := m.validate(); err != nil {
			return fmt.Errorf("endpoint %q: %w", clip(m.Endpoint), err)
		}
	}
	return nil
}

func (m Measured) validate() error {
	switch {
	case !word(m.Endpoint) || !word(m.Protocol):
		return errors.New("endpoint or protocol is not a word")
	case m.Days == nil || len(m.Days) > maxDays || m.Breaks == nil || len(m.Breaks) > maxBreaks:
		return errors.New("days or maintenance are missing or too many")
	case m.To.Before(m.From) || m.To.Sub(m.From) > maxDays*24*time.Hour || !whole(m.From) || !whole(m.To):
		return errors.New("the window is empty")
	}
	before := ""
	for _, d := range m.Days {
		_, err := time.ParseInLocation(time.DateOnly, d.Day, time.UTC)
		evidence, hexErr := hex.DecodeString(d.Evidence)
		const day = int(24 * time.Hour / time.Second)
		switch {
		case err != nil || d.Day <= before:
			return errors.New("the days are not in order, each once")
		case d.SlotS < 1 || day%d.SlotS != 0 || len(d.Marks) > day/d.SlotS:
			return fmt.Errorf("%s: the slots do not divide a day", d.Day)
		case strings.Trim(d.Marks, letters) != "":
			return fmt.Errorf("%s: an unknown mark", d.Day)
		case d.Attempts < 0 || hexErr != nil || len(evidence) != sha256.Size:
			return fmt.Errorf("%s: attempts or evidence are malformed", d.Day)
		}
		before = d.Day
	}
	for _, b := range m.Breaks {
		if b.To.Before(b.From) || !whole(b.From) || !whole(b.To) || !whole(b.Declared) {
			return errors.New("maintenance ends before it begins")
		}
	}
	if !slices.IsSortedFunc(m.Breaks, compareBreaks) {
		return errors.New("maintenance is not in order")
	}
	return nil
}

// whole reports a time in UTC without parts of a second.
func whole(t time.Time) bool { return t.Equal(second(t)) && t.Location() == time.UTC }

// word reports a short name as labels and places are.
func word(s string) bool {
	return s != "" && len(s) <= maxWord &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func clip(s string) string {
	if len(s) > maxWord {
		return strings.ToValidUTF8(s[:maxWord], "")
	}
	return s
}

// Verify reads a snapshot and computes every figure and the decision again.
// Invalid "snapshot_form", or "snapshot_wrong" with the name of the first thing
// that does not follow from the rest.
func Verify(text []byte) (Snapshot, error) {
	s, err := ParseSnapshot(text)
	if err != nil {
		return Snapshot{}, err
	}
	want := s.computed()
	wrong := ""
	for i, m := range s.Endpoints {
		if m.Figures != want.Endpoints[i].Figures {
			wrong = "the figures of " + m.Endpoint
			break
		}
	}
	switch {
	case wrong != "":
	case s.Total != want.Total:
		wrong = "the total"
	case s.Decision != want.Decision:
		wrong = fmt.Sprintf("the decision: it says %q, and %q follows", clip(string(s.Decision)), want.Decision)
	default:
		return s, nil
	}
	return Snapshot{}, errs.Newf(
		errs.Invalid,
		CodeSnapshotWrong,
		"The snapshot does not match its own days: %s.",
		wrong,
	)
}

// VerifyDay reports whether attempts are what the day of a snapshot was made
// from: as many, and with the same evidence. Its marks follow from Roll.
func VerifyDay(d DayText, attempts []Attempt) error {
	evidence := Evidence(attempts)
	if len(attempts) != d.Attempts || hex.EncodeToString(evidence[:]) != d.Evidence {
		return errs.Newf(
			errs.Invalid,
			CodeEvidenceWrong,
			"The results are not those that %s was made from.",
			clip(d.Day),
		)
	}
	return nil
}
