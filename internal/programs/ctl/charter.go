package ctl

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// notYet ends what is said of charters, until every signer asks for one.
const notYet = "Only a signer whose journal has a charter asks for one (causeway-signer init --charter, or pin). " +
	"The worker hands none over yet."

func (a *app) charterCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "charter",
		Short: "Read, compare, sign, verify and hand in charters",
		Long: "A charter is the text of who may move a fund's money: people, keys, signers, limits, treasuries. show, diff, sign,\n" +
			"verify, draft, pin and history work on files, without any server.\n" + notYet,
	}, a.charterShowCommand(), a.charterDiffCommand(), a.charterSignCommand(), a.charterVerifyCommand(),
		a.charterPinCommand(), a.charterHistoryCommand(), a.charterDraftCommand(),
		a.charterListCommand(), a.charterFetchCommand(), a.charterProposeCommand(), a.charterHandInCommand())
}

func (a *app) charterShowCommand() *cobra.Command {
	return a.local(&cobra.Command{
		Use:   "show [FILE]",
		Short: "Show a charter in plain words, with its digest",
		Args:  cobra.MaximumNArgs(1),
		Long: "Show a charter in plain words, with its digest, and how it stands to the newest that you have verified. What is not a\n" +
			"charter in its one spelling is refused, with the line. FILE may be - for standard input; without it the newest verified one\n" +
			"is shown.\n" + notYet,
	}, func(c *call) (page, error) {
		ch, err := c.charterNamed(c.args, uuid.Nil)
		if err != nil {
			return page{}, err
		}
		s, err := c.stands(ch)
		if err != nil {
			return page{}, err
		}
		parts := append([]part{charterDigest(ch)}, charterWords(ch)...)
		return page{
			value: viewOf(ch),
			parts: append(parts, part{title: "STATUS", text: s.words(ch) + "\n" + notYet}),
		}, nil
	})
}

// changeView is a difference as JSON has it.
type changeView struct {
	Effect string `json:"effect"`
	Text   string `json:"text"`
}

func (a *app) charterDiffCommand() *cobra.Command {
	return a.local(&cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a charter changes, and whether it loosens or tightens",
		Args:  cobra.ExactArgs(2),
		Long: "Say what NEW changes against OLD, and whether each change loosens or tightens. Where that cannot be told, it says loosens.\n" +
			"NEW need not be the next version after OLD.\n" + notYet,
	}, func(c *call) (page, error) {
		old, err := c.charterFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		ch, err := c.charterFile(c.args[1])
		if err != nil {
			return page{}, err
		}
		if err := ch.Follows(old); err != nil {
			c.talk("Note: %s", userText(err))
		}
		changes := charter.Diff(old, ch)
		views := make([]changeView, len(changes))
		for i, d := range changes {
			views[i] = changeView{string(d.Effect), d.Text}
		}
		return page{value: views, parts: []part{changesPart(changes)}}, nil
	})
}

func changesPart(changes []charter.Change) part {
	return table(
		"",
		[]string{"EFFECT", "CHANGE"},
		changes,
		func(d charter.Change) []string { return []string{string(d.Effect), d.Text} },
	)
}

// charterFile reads a charter from a file, or standard input for "-".
func (c *call) charterFile(path string) (charter.Charter, error) {
	text, err := c.smallFile(path, charter.MaxBytes)
	if err != nil {
		return charter.Charter{}, err
	}
	return charter.Parse(text)
}

// smallFile reads a file, or standard input for "-", and no more than a byte above most: who
// parses it refuses what is longer.
func (c *call) smallFile(path string, most int64) ([]byte, error) {
	var in io.Reader = c.stdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, cli.UsageError{Err: err}
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// digestDigits is how much of a digest people read out: 8 digits are ground in minutes.
const digestDigits = 20

// charterDigest is what trustees read out to one another.
func charterDigest(ch charter.Charter) part { return digestPart(ch.Digest()) }

// digestPart is a digest, and what of it people read out to one another.
func digestPart(d decision.Digest) part {
	digest := d.String()
	var groups []string
	for i := 0; i < digestDigits; i += 4 {
		groups = append(groups, digest[i:i+4])
	}
	return record("Digest", digest, "To read out", strings.Join(groups, " "))
}

// charterWords is what ch says, in plain words.
func charterWords(ch charter.Charter) []part {
	trustees := ch.With(charter.Trustee)
	change := fmt.Sprintf(
		"%d of %d trustees sign the next version, by ssh: %s",
		ch.Trustees,
		len(trustees),
		names(trustees),
	)
	sole := ""
	if ch.Sole() {
		sole = "One person runs this fund: " + names(ch.People)
	}
	previous := ""
	if ch.Version > 1 {
		previous = ch.Previous.String()
	}
	l := ch.Limits
	return withRows(
		record(
			"Fund",
			ch.Name,
			"Id",
			ch.Fund.String(),
			"Network",
			ch.Network.Name,
			"Version",
			itoa(ch.Version),
			"Follows",
			previous,
			"Expires",
			when(ch.Expires),
			"Once replaced",
			fmt.Sprintf("binds for %d hours more", ch.HoldHours),
			"Changes",
			change,
			"Beware",
			sole,
		),
		table("PEOPLE", []string{"NAME", "ROLES", "ID"}, ch.People, func(p charter.Person) []string {
			return []string{p.Name, commas(p.Roles), p.ID.String()}
		}),
		keysPart(ch),
		table(
			"A DECISION NEEDS",
			[]string{"AMOUNT", "REVIEWERS", "OF THEM BY TERMINAL", "TREASURERS"},
			ch.Lines,
			func(l charter.Line) []string {
				amount := "more, without end"
				if l.UpTo > 0 {
					amount = "up to " + sats(l.UpTo)
				} else if len(ch.Lines) == 1 {
					amount = "any"
				}
				return []string{amount, itoa(l.Reviewers), itoa(l.ByTerminal), itoa(l.Treasurers)}
			},
		),
		titled(
			"LIMITS",
			record(
				"One decision, all its periods",
				sats(l.Decision),
				"Any 24 hours",
				sats(l.Day),
				"Any 30 days",
				sats(l.Month),
				"Any 24 hours, what nobody approved by ssh",
				sats(l.PasskeyOnlyDay),
				"Any 24 hours, all fees",
				sats(l.FeesDay),
				"Feerate",
				itoa(l.FeeRateSatKVB)+" sat/kvB",
				"Fee of a transaction",
				sats(l.Fee),
				"Fee of a transaction, in thousandths of its payments",
				itoa(l.FeePermille),
			),
		),
		table("SIGNERS", []string{"NAME", "TREASURY KEY", "ANSWERS WITH"}, ch.Signers, func(s charter.Signer) []string {
			return []string{s.Name, s.Fingerprint, s.Key.Fingerprint()}
		}),
		table(
			"TREASURIES, THE LAST ONE IN USE",
			[]string{"NUMBER", "FROM BLOCK", "DESCRIPTOR"},
			ch.Treasuries,
			func(t charter.Treasury) []string {
				return []string{itoa(t.Number), itoa(t.Birthday), t.Descriptor}
			},
		),
		revokedPart(ch),
	)
}

func titled(title string, p part) part {
	p.title = title
	return p
}

func keysPart(ch charter.Charter) part {
	p := part{title: "KEYS", header: []string{"NAME", "KIND", "KEY"}}
	for _, person := range ch.People {
		for _, k := range person.SSH {
			p.cells = append(p.cells, []string{clean(person.Name), k.Type, k.Fingerprint()})
		}
		for _, k := range person.Passkeys {
			p.cells = append(p.cells, []string{clean(person.Name), "passkey", clean(k.String())})
		}
	}
	return p
}

func revokedPart(ch charter.Charter) part {
	p := part{title: "REVOKED: WHAT THESE APPROVED COUNTS NO MORE", header: []string{"ID"}}
	for _, id := range ch.Revoked {
		p.cells = append(p.cells, []string{id.String()})
	}
	return p
}

func names(people []charter.Person) string {
	list := make([]string, len(people))
	for i, p := range people {
		list[i] = p.Name
	}
	return commas(list)
}

func commas[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// charterView is a charter as JSON has it: what identifies it, and its text, which says the rest
// in its one spelling.
type charterView struct {
	Digest  string `json:"digest"`
	Fund    string `json:"fund"`
	Network string `json:"network"`
	Version int64  `json:"version"`
	Text    string `json:"text"`
}

func viewOf(ch charter.Charter) charterView {
	return charterView{ch.Digest().String(), ch.Fund.String(), ch.Network.Name, ch.Version, string(ch.Encode())}
}
