package ctl

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// maxLinkBytes is the longest link or configuration that is read.
const maxLinkBytes = 64 << 10

func (a *app) linkCommand() *cobra.Command {
	var ask bool
	cmd := &cobra.Command{
		Use:   "link FILE",
		Short: "Show what a link or a configuration file of a server says",
		Args:  cobra.ExactArgs(1),
		Long: "Show what a link (tg://, socks5://, http://, ss://, trojan://, vless://) or a configuration file\n" +
			"(WireGuard, OpenVPN) says, without its secrets, or which line is refused and why. FILE may be - for standard\n" +
			"input. Nothing is sent and nothing is run, unless --api asks the fund, which may know more or less than this\n" +
			"program.",
	}
	cmd.Flags().BoolVar(&ask, "api", false, "let the fund read it; this sends the file, secrets included")
	here := a.local(cmd, func(c *call) (page, error) {
		text, err := c.linkText(c.args[0])
		if err != nil {
			return page{}, err
		}
		spec, err := link.Parse(text)
		if err != nil {
			return page{}, cleaned(err)
		}
		return understoodPage(understood(spec)), nil
	}).RunE
	there := a.online(applicant, cmd, func(c *call) (page, error) {
		text, err := c.linkText(c.args[0])
		if err != nil {
			return page{}, err
		}
		u, err := ok200(c.api.ReadLinkWithResponse(c.ctx, client.LinkText{Text: text}))
		if err != nil {
			return page{}, err
		}
		return understoodPage(u), nil
	}).RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if ask {
			return there(cmd, args)
		}
		return here(cmd, args)
	}
	return cmd
}

// linkText reads a link or a configuration, which is never taken from an argument.
func (c *call) linkText(path string) (string, error) {
	text, err := c.readFile(path, maxLinkBytes)
	return string(text), err
}

// cleaned is err with words that cannot steer the terminal: they may repeat what
// somebody else wrote into a file.
func cleaned(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Message, out.Fields = clean(e.Message), slices.Clone(e.Fields)
	for i, f := range out.Fields {
		out.Fields[i].Field, out.Fields[i].Message = clean(f.Field), clean(f.Message)
	}
	return &out
}

// understood is what the fund would answer.
func understood(s link.Spec) client.Understood {
	out := client.Understood{Protocol: protocolName(s.Protocol()), Control: []client.ControlKind{}}
	for _, f := range link.Public(s) {
		out.Fields = append(out.Fields, client.SpecField{Name: f.Name, Value: f.Value, Secret: f.Secret})
	}
	for _, k := range control.Kinds(s.Protocol()) {
		if k != control.KindDNS || s.Server().Host.Name() != "" { // a record needs a name
			out.Control = append(out.Control, client.ControlKind(k))
		}
	}
	return out
}

// protocolName returns the API's name of p.
func protocolName(p probe.Protocol) client.Protocol {
	return client.Protocol(strings.ReplaceAll(string(p), "_", "-"))
}

func understoodPage(u client.Understood) page {
	pairs := []string{"protocol", string(u.Protocol)}
	for _, f := range u.Fields {
		pairs = append(pairs, f.Name, f.Value)
	}
	return page{value: u, parts: []part{record(append(pairs, "proof of control by", joined(u.Control))...)}}
}

func joined[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
