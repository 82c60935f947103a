package ctl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// charterHeader is the first line of a charter.
const charterHeader = "causeway/charter/v1"

// maxChanges bounds a file of changes.
const maxChanges = 64 << 10

func (a *app) charterDraftCommand() *cobra.Command {
	var from, out string
	cmd := &cobra.Command{
		Use:   "draft CHANGES --out FILE",
		Short: "Write the next version of a charter from a list of changes",
		Args:  cobra.ExactArgs(1),
		Long: "Write the version that follows the newest charter that you have verified, from a file of changes, a line each (# begins a comment):\n" +
			"  set limit_day_sat 60000000       the new value of a line that stands once\n" +
			"  add key 0198... ssh ssh-ed25519 AAAA...\n" +
			"  remove key 0198... ssh ssh-ed25519 AAAA...\n" +
			"  remove person 0198...            with every key; a person's line is replaced by another one with the same id\n" +
			"Lines are put in their order. What changes is shown, and whether it loosens or tightens; a charter that breaks a rule is refused with\n" +
			"the line, before anybody signs.",
	}
	cmd.Flags().StringVar(
		&from,
		"from",
		"",
		"file with the charter that is changed (default: the newest that you have verified)",
	)
	cmd.Flags().StringVar(&out, "out", "", "new file for the draft (default: show it only)")
	return a.local(cmd, func(c *call) (page, error) {
		old, err := c.charterOf(from)
		if err != nil {
			return page{}, err
		}
		text, err := c.smallFile(c.args[0], maxChanges)
		if err != nil {
			return page{}, err
		}
		d := newDraft(old)
		for i, line := range strings.Split(string(text), "\n") {
			if err := d.change(strings.TrimSpace(line)); err != nil {
				return page{}, cli.UsageError{Err: fmt.Errorf("line %d of the changes: %w", i+1, err)}
			}
		}
		ch, err := charter.Parse(d.text())
		if err != nil {
			return page{}, err
		}
		if out != "" {
			if err := writeNew("out", out, ch.Encode()); err != nil {
				return page{}, err
			}
		}
		return draftPage(c, old, ch), nil
	})
}

func draftPage(c *call, old, ch charter.Charter) page {
	status := fmt.Sprintf(
		"It waits for the signatures of trustees: %d of its own and %d of version %d. Then version %d goes on to bind for %d hours.",
		ch.Trustees,
		old.Trustees,
		old.Version,
		old.Version,
		old.HoldHours,
	)
	if left := ch.Expires.Sub(c.cfg.Clock.Now()); left <= 0 || left > charter.MaxLife {
		status += "\nSet expires: a charter is taken in only up to 400 days before it expires, and this one expires on " + when(
			ch.Expires,
		) + "."
	}
	return page{
		value: viewOf(ch),
		parts: []part{
			charterDigest(ch),
			titled(fmt.Sprintf("AGAINST VERSION %d", old.Version), changesPart(charter.Diff(old, ch))),
			{title: "STATUS", text: status},
		},
	}
}

// draft is the lines of a charter that is changed.
type draft struct{ lines []string }

// newDraft begins the version that follows old.
func newDraft(old charter.Charter) *draft {
	old.Version, old.Previous = old.Version+1, old.Digest()
	return &draft{strings.Split(strings.TrimSuffix(string(old.Encode()), "\n"), "\n")}
}

// change makes one change.
func (d *draft) change(line string) error {
	line, _, _ = strings.Cut(" "+line, " #") // a descriptor has a # of its own, without space
	if line = strings.TrimSpace(line); line == "" {
		return nil
	}
	verb, rest, _ := strings.Cut(line, " ")
	name, _, _ := strings.Cut(rest, " ")
	if fixed := []string{charterHeader, "network", "fund", "version", "previous"}; slices.Contains(fixed, name) ||
		!slices.Contains(lineOrder(), name) || rest == name {
		return fmt.Errorf("%q is not a line of a charter that a draft can change", rest)
	}
	switch verb {
	case "set":
		return d.set(name, rest)
	case "add":
		if name == "person" { // another line of the same person takes the place of the first
			id := strings.Fields(rest)[1]
			d.lines = slices.DeleteFunc(d.lines, func(l string) bool { return strings.HasPrefix(l, "person "+id+" ") })
		}
		d.lines = append(d.lines, rest)
		return nil
	case "remove":
		return d.remove(name, rest)
	}
	return errors.New("a change begins with set, add or remove")
}

func (d *draft) set(name, line string) error {
	begins := func(l string) bool { return strings.HasPrefix(l, name+" ") }
	at := slices.IndexFunc(d.lines, begins)
	if at < 0 || slices.ContainsFunc(d.lines[at+1:], begins) {
		return fmt.Errorf("a line %s does not stand once: add and remove it", name)
	}
	d.lines[at] = line
	return nil
}

// remove takes out the line that begins so, with the keys of a person.
func (d *draft) remove(name, start string) error {
	begins := func(l string) bool { return l == start || strings.HasPrefix(l, start+" ") }
	if !slices.ContainsFunc(d.lines, begins) {
		return fmt.Errorf("the charter has no line that begins with %q", start)
	}
	d.lines = slices.DeleteFunc(d.lines, begins)
	if name == "person" {
		key := "key " + strings.Fields(start)[1] + " "
		d.lines = slices.DeleteFunc(d.lines, func(l string) bool { return strings.HasPrefix(l, key) })
	}
	return nil
}

// lineOrder is the order of a charter's lines by their first word; keys stand behind their person.
func lineOrder() []string {
	return []string{
		charterHeader,
		"network",
		"fund",
		"name",
		"version",
		"previous",
		"expires",
		"hold_hours",
		"trustees",
		"sole_operator",
		"treasury",
		"signer",
		"approve_up_to_sat",
		"limit_decision_sat",
		"limit_day_sat",
		"limit_month_sat",
		"limit_passkey_only_day_sat",
		"limit_fees_day_sat",
		"fee_max_feerate_sat_kvb",
		"fee_max_sat",
		"fee_max_permille",
		"person",
		"key",
		"revoked",
	}
}

// text returns the lines in their order. What is still wrong, Parse says.
func (d *draft) text() []byte {
	lines := slices.Clone(d.lines)
	slices.SortStableFunc(lines, func(a, b string) int { return slices.Compare(place(a), place(b)) })
	return []byte(strings.Join(lines, "\n") + "\n")
}

// place is by what a line is put in order.
func place(line string) []string {
	words := strings.Fields(line)
	at := slices.Index(lineOrder(), words[0])
	switch words[0] {
	case "person":
		return []string{ordinal(at), words[1]}
	case "key": // between the line of its person and the next person
		return []string{ordinal(at - 1), words[1], strings.Join(words[2:], " ")}
	case "treasury", "approve_up_to_sat":
		n, err := strconv.ParseUint(words[1], 10, 63)
		if err != nil || n == 0 && words[0] == "approve_up_to_sat" {
			n = 1 << 62 // without end: the last
		}
		return []string{ordinal(at), fmt.Sprintf("%020d", n)}
	case "signer", "revoked":
		return []string{ordinal(at), words[1]}
	}
	return []string{ordinal(at)}
}

func ordinal(n int) string { return fmt.Sprintf("%03d", n) }
