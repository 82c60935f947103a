package ctl

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// maxNote bounds what is read of a note: the longest kind is a history.
const maxNote = 8 << 20

func (a *app) approvalCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "approval",
		Short: "Approve notes by ssh, on files",
		Long: "An approval is a statement about one note (a decision, batch, upkeep, void, halt, resume or history), signed by a key of the\n" +
			"charter. These commands work on files, without any server, so that the key need never meet a network: show a note, sign it, or\n" +
			"print the statement here, sign that elsewhere with ssh-keygen, and pack the two. `causewayctl verify approvals` counts them.",
	}, a.approvalShowCommand(), a.approvalSignCommand(), a.approvalPrintCommand(), a.approvalPackCommand())
}

func (a *app) approvalShowCommand() *cobra.Command {
	return a.local(&cobra.Command{
		Use:   "show NOTE",
		Short: "Show a note in plain words, with its digest",
		Args:  cobra.ExactArgs(1),
		Long: "Show what a note does, from its text alone: addresses come from its scripts, and its digest is computed here. What is not a\n" +
			"note in its one spelling is refused.",
	}, func(c *call) (page, error) {
		n, err := c.noteFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		return page{
			value: map[string]string{"kind": n.what, "network": n.network.Name, "digest": n.digest.String()},
			parts: append([]part{digestPart(n.digest)}, n.parts...),
		}, nil
	})
}

func (c *call) noteFile(path string) (signable, error) {
	text, err := c.smallFile(path, maxNote)
	if err != nil {
		return signable{}, err
	}
	return readNote(text)
}

// stance is the flags of what a person says to a note, and under which charter.
type stance struct {
	as, charter, person, application string
	decline                          bool
}

// maxApplication bounds what is read of an application's text.
const maxApplication = 256 << 10

// addApplication adds the application of a decision to what is shown: its text, with its salt, has
// to be the one that the note names.
func (c *call) addApplication(n *signable, path string) error {
	if path == "" {
		if n.what == "decision" {
			c.talk("Note: --application is missing, so you see the decision and not what the operator wrote.")
		}
		return nil
	}
	text, err := c.smallFile(path, maxApplication)
	if err != nil {
		return err
	}
	if sha256.Sum256(text) != n.about {
		return checkFailed("The note is about another text than %s. Nothing was signed; tell the fund.", path)
	}
	var shown bytes.Buffer
	if err := json.Indent(&shown, text, "", "  "); err != nil {
		return checkFailed("%s is not the JSON of an application. Nothing was signed; tell the fund.", path)
	}
	lines := strings.Split(shown.String(), "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	n.parts = append([]part{{title: "APPLICATION", text: strings.Join(lines, "\n")}}, n.parts...)
	return nil
}

func (s *stance) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(
		&s.as,
		"as",
		"",
		"role in which you approve: reviewer, treasurer or trustee (default: the first of yours that counts)",
	)
	cmd.Flags().StringVar(
		&s.charter,
		"charter",
		"",
		"file with the charter (default: the newest that you have verified)",
	)
	cmd.Flags().StringVar(
		&s.person,
		"person",
		"",
		"your name or id in the charter, where no file beside the key has its public half",
	)
	cmd.Flags().StringVar(
		&s.application,
		"application",
		"",
		"file with the text of a decision's application and its salt, which is shown if it is the one that the note names",
	)
	cmd.Flags().BoolVar(&s.decline, "decline", false, "say no. Nothing counts a no: halt the note to be sure")
	complete(cmd, "as", string(charter.Reviewer), string(charter.Treasurer), string(charter.Trustee))
}

// statement makes what would be signed: by whom, in which role, by which charter.
func (c *call) statement(n signable, s stance, key string) (approval.Statement, charter.Charter, error) {
	ch, err := c.charterFor(n, s.charter)
	if err != nil {
		return approval.Statement{}, ch, err
	}
	p, err := personOf(ch, key, s.person)
	if err != nil {
		return approval.Statement{}, ch, err
	}
	role, err := roleOf(n, ch, p, s.as)
	says := approval.Approve
	if s.decline {
		says = approval.Decline
	}
	return approval.Statement{
		Network: n.network, Fund: ch.Fund, Note: n.digest, Says: says, Person: p.ID, As: role,
		Version: ch.Version, Charter: ch.Digest(), At: c.cfg.Clock.Now().UTC().Truncate(time.Second),
	}, ch, err
}

// charterFor returns the charter by which a note is approved: the newest verified one of its fund,
// or that of a file which does not contradict it.
func (c *call) charterFor(n signable, path string) (charter.Charter, error) {
	var args []string
	if path != "" {
		args = []string{path}
	}
	ch, err := c.charterNamed(args, n.fund)
	if err != nil {
		return ch, err
	}
	s, err := c.stands(ch)
	switch {
	case err != nil:
		return ch, err
	case s.older:
		return ch, errs.New(
			errs.Conflict,
			CodePinOlder,
			s.words(ch)+" Leave --charter out, and the newest one is taken.",
		)
	case !s.same:
		c.talk("Note: %s", s.words(ch))
	}
	if ch.Network != n.network || ch.Fund != n.fund {
		return ch, checkFailed(
			"The note is of another fund or network than the charter of %s. Nothing was signed.",
			ch.Name,
		)
	}
	return ch, nil
}

// personOf returns who approves: the holder of the key where a file says its public half, or
// whoever is named.
func personOf(ch charter.Charter, key, named string) (charter.Person, error) {
	own, known := ownKey(key)
	for _, p := range ch.People {
		switch {
		case known && slices.Contains(p.SSH, own):
			return p, nil
		case !known && named != "" && (strings.EqualFold(p.Name, named) || p.ID.String() == named):
			return p, nil
		}
	}
	if !known && named == "" {
		return charter.Person{}, cli.UsageError{Err: errors.New("--person is missing: no file says whose key it is")}
	}
	return charter.Person{}, errs.Newf(
		errs.Precondition,
		CodeNotInCharter,
		"Version %d of the charter lists nobody with this name or key, so an approval would count for nothing. Nothing was signed.",
		ch.Version,
	)
}

// roleOf returns the role in which p approves n.
func roleOf(n signable, ch charter.Charter, p charter.Person, wanted string) (charter.Role, error) {
	for _, role := range n.roles {
		if (wanted == "" || wanted == string(role)) && (role == approval.Any || p.Has(role)) {
			return role, nil
		}
	}
	return "", errs.Newf(
		errs.Precondition,
		CodeNoRole,
		"A %s is approved as %s, and %s is %s by version %d of the charter. An approval would count for nothing; nothing was signed.",
		n.what,
		anyOf(n.roles),
		p.Name,
		commas(p.Roles),
		ch.Version,
	)
}

func anyOf(roles []charter.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, " or ")
}

// consent shows a note and has the amount typed, or the digest, which is not shown then.
func (c *call) consent(n signable, s approval.Statement, ch charter.Charter) error {
	parts := slices.Clone(n.parts)
	if n.amount > 0 {
		parts = append(parts, digestPart(n.digest))
	}
	parts = append(parts, record("You", nameIn(ch, s.Person), "Say", string(s.Says), "As", string(s.As),
		"By", fmt.Sprintf("version %d of the charter of %s", ch.Version, ch.Name)))
	if err := (page{parts: parts}).write(c.cmd.ErrOrStderr(), cli.Table); err != nil {
		return err
	}
	c.talk("")
	if n.amount == 0 {
		return c.typeDigits(
			n.digest,
			fmt.Sprintf("To %s it, type the first %d digits of its digest, as a colleague reads them out: ",
				s.Says, digestDigits),
			"These are not the first digits of the note's digest. Nothing was signed.",
		)
	}
	answer, err := c.ask(fmt.Sprintf("To %s it, type the amount in satoshi: ", s.Says), false)
	if err != nil {
		return err
	}
	typed := strings.NewReplacer(" ", "", ",", "", ".", "", "_", "", "sat", "").Replace(answer)
	if typed != strconv.FormatInt(int64(n.amount), 10) {
		return errs.Newf(errs.Precondition, CodeNotConfirmed, "This is not the amount of the note. Nothing was signed.")
	}
	return nil
}
