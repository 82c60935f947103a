package ctl

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// approvalLine is one file that may be an approval, and what it is.
type approvalLine struct {
	File    string        `json:"file"`
	Person  string        `json:"person,omitempty"`
	As      charter.Role  `json:"as,omitempty"`
	Says    approval.Says `json:"says,omitempty"`
	Kind    approval.Kind `json:"kind,omitempty"`
	Key     string        `json:"key,omitempty"`
	Verdict string        `json:"verdict"`
}

// approvalCount is what a note needs by one charter, and who approved.
type approvalCount struct {
	Version int64  `json:"version"`
	Digest  string `json:"charter"`
	Needs   []lack `json:"needs"`
}

func (a *app) verifyApprovalsCommand() *cobra.Command {
	var charters []string
	cmd := &cobra.Command{
		Use:   "approvals NOTE APPROVAL...",
		Short: "Verify who approved a note, by the charter",
		Args:  cobra.MinimumNArgs(2),
		Long: "Verify approvals of a note and count the people who made them, by each charter that is given. Each person counts once, a no\n" +
			"takes nothing away, and an approval that does not hold counts for nothing. Exit code 0 only when there are enough by each\n" +
			"charter. Files do not tell what a signer asks as well: limits, dates, what else was paid within 24 hours, which raises the\n" +
			"number of treasurers, and that a treasurer approved none of the batch's decisions.",
	}
	cmd.Flags().StringArrayVar(
		&charters,
		"charter",
		nil,
		"file with a charter that binds; may be given several times (default: the newest that you have verified)",
	)
	return a.local(cmd, func(c *call) (page, error) {
		n, err := c.noteFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		binding, err := c.binding(n, charters)
		if err != nil {
			return page{}, err
		}
		var lines []approvalLine
		var b backing
		for _, path := range c.args[1:] {
			line, signed, err := c.judgeApproval(path, n, binding)
			if err != nil {
				return page{}, err
			}
			if lines = append(lines, line); line.Verdict == holds {
				b = append(b, signed)
			}
		}
		counts := make([]approvalCount, len(binding))
		for i, ch := range binding {
			counts[i] = approvalCount{ch.Version, ch.Digest().String(), n.quorum(b, ch)}
		}
		return approvalsPage(n, lines, counts), enoughApprovals(counts)
	})
}

const holds = "holds"

// binding returns the charters by which approvals are counted.
func (c *call) binding(n signable, paths []string) ([]charter.Charter, error) {
	if len(paths) == 0 {
		paths = []string{""}
	}
	list := make([]charter.Charter, len(paths))
	for i, path := range paths {
		var args []string
		if path != "" {
			args = []string{path}
		}
		ch, err := c.charterNamed(args, n.fund)
		if err == nil {
			_, err = c.stands(ch)
		}
		if err == nil && (ch.Network != n.network || ch.Fund != n.fund) {
			err = checkFailed("The note is of another fund or network than the charter of %s.", ch.Name)
		}
		if err != nil {
			return nil, err
		}
		list[i] = ch
	}
	return list, nil
}

// judgeApproval reads one approval and says whose it is. Its error is about the file alone.
func (c *call) judgeApproval(
	path string,
	n signable,
	binding []charter.Charter,
) (approvalLine, approval.Signed, error) {
	text, err := c.smallFile(path, approval.MaxEnvelope)
	if err != nil {
		return approvalLine{}, approval.Signed{}, err
	}
	e, err := approval.ParseEnvelope(text)
	var signed approval.Signed
	if err == nil {
		signed, err = e.Verify(binding...)
	}
	if err == nil {
		err = signed.For(n.network, binding[0].Fund, n.digest)
	}
	if err != nil {
		return approvalLine{File: path, Verdict: userText(err)}, signed, nil
	}
	return approvalLine{
		File:    path,
		Person:  nameIn(binding[0], signed.Person),
		As:      signed.As,
		Says:    signed.Says,
		Kind:    signed.Kind,
		Key:     signed.Key(),
		Verdict: holds,
	}, signed, nil
}

func approvalsPage(n signable, lines []approvalLine, counts []approvalCount) page {
	needs := part{title: "WHAT IT NEEDS", header: []string{"BY VERSION", "OF", "NEEDED", "THERE"}}
	for _, count := range counts {
		for _, l := range count.Needs {
			needs.cells = append(needs.cells, []string{
				itoa(
					count.Version,
				),
				l.What,
				itoa(l.Needed),
				fmt.Sprintf("%d: %s", len(l.There), clean(commas(l.There))),
			})
		}
	}
	return page{
		value: map[string]any{"kind": n.what, "digest": n.digest.String(), "approvals": lines, "counts": counts},
		parts: append([]part{
			table(
				"APPROVALS",
				[]string{"FILE", "PERSON", "AS", "SAYS", "BY", "KEY", "VERDICT"},
				lines,
				func(l approvalLine) []string {
					return []string{l.File, l.Person, string(l.As), string(l.Says), string(l.Kind), l.Key, l.Verdict}
				},
			),
			needs,
		}, n.parts...),
	}
}

func enoughApprovals(counts []approvalCount) error {
	for _, count := range counts {
		for _, l := range count.Needs {
			if l.missing() {
				return checkFailed(
					"Version %d of the charter asks for %d %s, and %d approved.",
					count.Version,
					l.Needed,
					l.What,
					len(l.There),
				)
			}
		}
	}
	return nil
}
