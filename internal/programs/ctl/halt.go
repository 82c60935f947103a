package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

// nothingYet ends what is said of approvals, until every signer asks for them.
const nothingYet = "Only a signer whose journal has a charter asks for it, and the worker hands none over yet."

// ordered is the flags of a note that this program writes, and of its first signature.
type ordered struct {
	key, charter, out string
	yes               bool
}

func (o *ordered) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.key, "key", "", "your ssh key: ssh-ed25519 or sk-ssh-ed25519@openssh.com")
	cmd.Flags().StringVar(
		&o.charter,
		"charter",
		"",
		"file with the charter (default: the newest that you have verified)",
	)
	cmd.Flags().StringVar(&o.out, "out", "", "where the note goes (default KIND-ID.note); its approval goes beside it")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
}

func (a *app) haltCommand() *cobra.Command {
	var o ordered
	var reason string
	cmd := &cobra.Command{
		Use:   "halt [DIGEST] --key KEY",
		Short: "Stop the payments of a fund, or of one decision or batch",
		Args:  cobra.MaximumNArgs(1),
		Long: "Write a note that stops payments, and approve it by ssh: all of the fund, or what pays under the decision or batch note with\n" +
			"DIGEST. Any one person of the charter may. Hand in both files; trustees lift the halt with `causewayctl resume`.\n" +
			nothingYet,
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, in plain ASCII, for everybody to read")
	return a.local(cmd, func(c *call) (page, error) {
		n := halt.Note{Reason: halt.NoReason}
		if reason != "" {
			n.Reason = reason
		}
		if len(c.args) > 0 {
			digest, err := decision.ParseDigest(c.args[0])
			if err != nil {
				return page{}, cli.UsageError{Err: errors.New(userText(err))}
			}
			n.Halts = digest
		}
		return c.order(o, func(ch charter.Charter, id uuid.UUID) ([]byte, error) {
			n.Network, n.Fund, n.ID = ch.Network, ch.Fund, id
			_, err := halt.Parse(n.Encode())
			return n.Encode(), err
		})
	})
}

func (a *app) resumeCommand() *cobra.Command {
	var o ordered
	var lifts, bars []string
	cmd := &cobra.Command{
		Use:   "resume --lift ID --key KEY",
		Short: "Lift halts, so that payments go on",
		Args:  cobra.NoArgs,
		Long: fmt.Sprintf(
			"Write a note that lifts the halts with these ids, and approve it by ssh as a trustee. The other trustees approve the same note\n"+
				"with `causewayctl approval sign`, as many as the charter asks for. --bar keeps a person from halting for %d days, so that\n"+
				"nobody stops a fund for ever.\n%s",
			halt.BarDays,
			nothingYet,
		),
	}
	o.flags(cmd)
	cmd.Flags().StringSliceVar(&lifts, "lift", nil, "id of a halt; may be given several times")
	cmd.Flags().StringSliceVar(&bars, "bar", nil, "name or id of a person in the charter; may be given several times")
	return a.local(cmd, func(c *call) (page, error) {
		if len(lifts) == 0 {
			return page{}, cli.UsageError{Err: errors.New("--lift is missing: name the halts that you lift")}
		}
		return c.order(o, func(ch charter.Charter, id uuid.UUID) ([]byte, error) {
			n := halt.Resume{Network: ch.Network, Fund: ch.Fund, ID: id}
			var err error
			if n.Lifts, err = ids(lifts, uuid.Parse); err != nil {
				return nil, err
			}
			if n.Bars, err = ids(bars, func(named string) (uuid.UUID, error) { return idOf(ch, named) }); err != nil {
				return nil, err
			}
			_, err = halt.ParseResume(n.Encode())
			return n.Encode(), err
		})
	})
}

// ids reads ids into rising order.
func ids(texts []string, read func(string) (uuid.UUID, error)) ([]uuid.UUID, error) {
	var list []uuid.UUID
	for _, text := range texts {
		id, err := read(text)
		if err != nil {
			return nil, cli.UsageError{Err: fmt.Errorf("%q: %w", text, err)}
		}
		list = append(list, id)
	}
	slices.SortFunc(list, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list), nil
}

// idOf returns the id of a person whom a charter lists by name or id.
func idOf(ch charter.Charter, named string) (uuid.UUID, error) {
	for _, p := range ch.People {
		if strings.EqualFold(p.Name, named) || p.ID.String() == named {
			return p.ID, nil
		}
	}
	return uuid.Nil, errors.New("the charter lists nobody with this name or id")
}

// order writes a note and the approval of whoever orders it.
func (c *call) order(o ordered, write func(ch charter.Charter, id uuid.UUID) ([]byte, error)) (page, error) {
	if err := cli.Need(c.cmd.Flags(), "key"); err != nil {
		return page{}, err
	}
	ch, err := c.charterOf(o.charter)
	if err != nil {
		return page{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return page{}, fmt.Errorf("draw an id: %w", err)
	}
	text, err := write(ch, id)
	if err != nil {
		return page{}, err
	}
	n, err := readNote(text)
	if err != nil {
		return page{}, err
	}
	statement, _, err := c.statement(n, stance{charter: o.charter}, o.key)
	if err != nil {
		return page{}, err
	}
	if err := (page{parts: n.parts}).write(c.cmd.ErrOrStderr(), cli.Table); err != nil {
		return page{}, err
	}
	if err := c.confirm(o.yes, fmt.Sprintf("\nTo sign this, type %s: ", n.what), n.what); err != nil {
		return page{}, err
	}
	out := o.out
	if out == "" {
		out = n.what + "-" + id.String() + ".note"
	}
	if err := writeNew("out", out, text); err != nil {
		return page{}, err
	}
	p, err := c.approve(out, statement, ch, o.key, "")
	if err != nil {
		return page{}, errors.Join(err, os.Remove(out))
	}
	p.parts = append([]part{record("Note", out, "Id", id.String())}, p.parts...)
	c.talk("%s", nothingYet)
	p.value = map[string]any{"note": out, "id": id.String(), "approval": p.value}
	return p, nil
}
