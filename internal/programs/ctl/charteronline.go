package ctl

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

func (a *app) charterListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the charters and drafts that the fund's server has",
		Args:  cobra.NoArgs,
		Long: "List the charters that the fund's server took in, newest first, and drafts of the next one. A server can leave charters\n" +
			"out: what counts is what signers and your own files say.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		list, err := everyPage(func(cursor *string) ([]client.Charter, *string, error) {
			p, err := ok200(c.api.ListChartersWithResponse(c.ctx, &client.ListChartersParams{Cursor: cursor}))
			return p.Items, p.NextCursor, err
		})
		if err != nil {
			return page{}, err
		}
		return page{value: client.CharterPage{Items: list}, parts: []part{table(
			"",
			[]string{"VERSION", "STATE", "SINCE", "EXPIRES", "DIGEST"},
			list,
			func(x client.Charter) []string {
				return []string{itoa(x.Version), string(x.State), when(x.At), when(x.ExpiresAt), x.Digest}
			},
		)}}, nil
	})
}

func (a *app) charterFetchCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "fetch DIGEST --out FILE",
		Short: "Fetch the text of a charter or draft",
		Args:  cobra.ExactArgs(1),
		Long: "Fetch the text of a charter or draft into a new file. What the server sends is kept only if it is a charter with this\n" +
			"digest.",
	}
	cmd.Flags().StringVar(&out, "out", "", "new file for the text")
	return a.online(staff, cmd, func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "out"); err != nil {
			return page{}, err
		}
		got, err := ok200(c.api.GetCharterWithResponse(c.ctx, c.args[0]))
		if err != nil {
			return page{}, err
		}
		ch, err := charter.Parse([]byte(got.Text))
		if err != nil {
			return page{}, err
		}
		if ch.Digest().String() != c.args[0] {
			return page{}, checkFailed(
				"The server sent another charter than the one with this digest. Nothing was written.",
			)
		}
		if err := writeNew("out", out, []byte(got.Text)); err != nil {
			return page{}, err
		}
		return page{
			value: got,
			parts: []part{record("file", out, "version", itoa(ch.Version), "state", string(got.State))},
		}, nil
	})
}

func (a *app) charterProposeCommand() *cobra.Command {
	return a.online(staff, &cobra.Command{
		Use:   "propose FILE",
		Short: "Hand in a draft of the next charter",
		Args:  cobra.ExactArgs(1),
		Long:  "Hand in a draft of the next charter, so that its trustees find it. It has no power until they have signed it.",
	}, func(c *call) (page, error) {
		ch, err := c.charterFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		return charterPage(ok200(c.api.ProposeCharterWithResponse(
			c.ctx, ch.Digest().String(), client.NewCharter{Text: string(ch.Encode())},
		)))
	})
}

func (a *app) charterHandInCommand() *cobra.Command {
	return a.online(staff, &cobra.Command{
		Use:   "hand-in FILE SIGNATURE...",
		Short: "Hand in trustees' signatures over a draft",
		Args:  cobra.MinimumNArgs(2),
		Long: "Hand in signatures over the draft in FILE. Anybody may: each key says whose signature it is. The last one that is needed\n" +
			"takes the draft in; then it binds, and the one before it goes on to bind for its own hold.",
	}, func(c *call) (page, error) {
		ch, err := c.charterFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		var p page
		for _, path := range c.args[1:] {
			text, err := c.smallFile(path, sshsig.MaxBytes)
			if err != nil {
				return p, err
			}
			p, err = charterPage(ok200(c.api.SignCharterWithResponse(
				c.ctx, ch.Digest().String(), client.NewCharterSignature{Signature: string(text)},
			)))
			if err != nil {
				return p, err
			}
		}
		return p, nil
	})
}

func charterPage(x client.Charter, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	parts := []part{record("version", itoa(x.Version), "state", string(x.State), "digest", x.Digest)}
	if x.Trustees != nil {
		parts = append(parts, table("TRUSTEES", []string{"OF VERSION", "NEEDED", "SIGNED", "NOT SIGNED"}, *x.Trustees,
			func(n client.CharterTrustees) []string {
				return []string{itoa(n.Version), itoa(n.Needed), cleanAll(n.Signed), cleanAll(n.Others)}
			}))
	}
	return page{value: x, parts: parts}, nil
}

func cleanAll(names []string) string {
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = clean(n)
	}
	return strings.Join(shown, ", ")
}
