package ctl

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

func (a *app) endpointsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "endpoints",
		Short: "List your servers, how they were checked and what to fix",
		Args:  cobra.NoArgs,
		Long: "List your servers, how they were checked and what to fix. LABEL is the public name of a server, like " +
			"EP-7K3FQ2X9.",
	}
	a.online(operator, cmd, func(c *call) (page, error) {
		list, err := c.servers(1)
		if err != nil {
			return page{}, err
		}
		return page{value: list, parts: withRows(endpointsPart(list.Items), advicePart(list.Items))}, nil
	})
	cmd.AddCommand(
		a.endpointShowCommand(),
		a.recheckCommand(),
		a.controlCommand(),
		a.rotateCommand(),
		a.maintenanceCommand(),
	)
	return cmd
}

// defaultChecks is how many checks of a server are shown.
const defaultChecks = 20

// servers fetches the operator's own with their newest checks.
func (c *call) servers(checks int32) (client.EndpointPage, error) {
	items, err := everyPage(func(cursor *string) ([]client.CheckedEndpoint, *string, error) {
		p, err := ok200(
			c.api.ListOwnEndpointsWithResponse(c.ctx, &client.ListOwnEndpointsParams{Checks: &checks, Cursor: cursor}),
		)
		return p.Items, p.NextCursor, err
	})
	return client.EndpointPage{Items: items}, err
}

func endpointsPart(list []client.CheckedEndpoint) part {
	header := []string{
		"LABEL",
		"PROTOCOL",
		"SERVER",
		"VERDICT",
		"CHECKED",
		"PROVEN",
		"UPTIME_PERMILLE",
		"COVERAGE_PERMILLE",
		"PENDING",
	}
	return table("", header, list, func(e client.CheckedEndpoint) []string {
		uptime, coverage := "", ""
		if len(e.Uptime) > 0 && e.Uptime[0].Slots > 0 {
			uptime, coverage = itoa(e.Uptime[0].Permille), itoa(e.Uptime[0].CoveragePermille)
		}
		return []string{
			e.Label,
			string(e.Protocol),
			serverOf(e),
			text(e.Verdict),
			whenever(e.CheckedAt),
			yesNo(e.Control.Proven),
			uptime,
			coverage,
			yesNo(e.Pending),
		}
	})
}

// serverOf returns host and port, as far as they are shown.
func serverOf(e client.CheckedEndpoint) string {
	if e.Fields != nil {
		for _, f := range *e.Fields {
			if f.Name == "server" {
				return f.Value
			}
		}
	}
	return ""
}

// advicePart has a sentence for each server whose latest check failed.
func advicePart(list []client.CheckedEndpoint) part {
	var b strings.Builder
	for _, e := range list {
		if e.Advice != nil {
			fmt.Fprintf(&b, "%s, %s: %s\n", e.Label, text(e.Stage), e.Advice.Text)
		}
	}
	return part{title: "What to fix", text: b.String()}
}

func (a *app) endpointShowCommand() *cobra.Command {
	var checks int32
	cmd := &cobra.Command{
		Use:   "show LABEL",
		Short: "Show one of your servers with its checks of the last two days",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().Int32Var(&checks, "checks", defaultChecks, "how many checks to show")
	return a.online(operator, cmd, func(c *call) (page, error) {
		list, err := c.servers(checks)
		if err != nil {
			return page{}, err
		}
		for _, e := range list.Items {
			if strings.EqualFold(e.Label, c.args[0]) {
				return endpointPage(e), nil
			}
		}
		return page{}, errs.New(
			errs.NotFound,
			errs.CodeEndpointNotFound,
			"Your application has no such server; causewayctl endpoints lists them.",
		)
	})
}

func endpointPage(e client.CheckedEndpoint) page {
	pairs := []string{"label", e.Label}
	if e.Id != nil {
		pairs = append(pairs, "id", e.Id.String())
	}
	pairs = append(
		pairs,
		"protocol",
		string(e.Protocol),
		"state",
		string(e.State),
		"verdict",
		text(e.Verdict),
		"checked_at",
		whenever(e.CheckedAt),
		"failed_at",
		text(e.Stage),
		"class",
		text(e.Class),
		"checks_from",
		when(e.ChecksFrom),
		"pending",
		yesNo(e.Pending),
		"recheck_at",
		whenever(e.RecheckAt),
		"proven",
		yesNo(e.Control.Proven),
		"proven_by",
		text(e.Control.Kind),
		"proven_at",
		whenever(e.Control.ProvenAt),
		"proven_until",
		whenever(e.Control.Until),
	)
	if e.Fields != nil {
		for _, f := range *e.Fields {
			pairs = append(pairs, f.Name, f.Value)
		}
	}
	if x := e.Exit; x != nil {
		pairs = append(
			pairs,
			"exit",
			strings.Join(filled(text(x.Address), text(x.Country), number(x.Asn), text(x.Organisation)), " "),
		)
	}
	return page{value: e, parts: withRows(
		record(
			pairs...),
		advicePart([]client.CheckedEndpoint{e}),
		uptimesPart(e.Uptime),
		stripPart(e.Strip),
		checksPart(e.Checks),
		proofsPart(e.Proofs),
		table("Maintenance", []string{"FROM", "TO", "DECLARED"}, e.Maintenance, func(m client.Maintenance) []string {
			return []string{when(m.From), when(m.To), when(m.DeclaredAt)}
		}),
		table(
			"Blocklists",
			[]string{"WHAT", "LIST", "VERSION", "ORDER", "PERMILLE"},
			orNone(e.Blocklists),
			func(h client.BlocklistHit) []string {
				return []string{string(h.What), h.List, h.Version, text(h.Order), number(h.Permille)}
			},
		),
		table(
			"Shared with other applications",
			[]string{"WHAT", "APPLICATIONS"},
			orNone(e.Linkages),
			func(l client.Linkage) []string {
				return []string{string(l.Kind), itoa(l.Applications)}
			},
		),
	)}
}

func orNone[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}

// filled returns the words that say something.
func filled(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

var uptimeHeader = []string{
	"SLOTS",
	"UP",
	"DOWN",
	"UNKNOWN",
	"MAINTENANCE",
	"PERMILLE",
	"LOW_PERMILLE",
	"HIGH_PERMILLE",
	"COVERAGE_PERMILLE",
}

func uptimesPart(list []client.PlaceUptime) part {
	return table(
		"Uptime of the last 30 days",
		append([]string{"PLACE"}, uptimeHeader...),
		list,
		func(u client.PlaceUptime) []string {
			return []string{
				string(
					u.Place,
				),
				itoa(u.Slots),
				itoa(u.Up),
				itoa(u.Down),
				itoa(u.Unknown),
				itoa(u.Maintenance),
				itoa(u.Permille),
				itoa(u.LowPermille),
				itoa(u.HighPermille),
				itoa(u.CoveragePermille),
			}
		},
	)
}

func stripPart(list []client.StripDay) part {
	return table(
		"Days (u up, d down, b left out while down, ? unknown, - not checked, m maintenance)",
		[]string{"DAY", "UP", "DOWN", "UNKNOWN", "MARKS"},
		list,
		func(d client.StripDay) []string {
			return []string{d.Day.String(), itoa(d.Up), itoa(d.Down), itoa(d.Unknown), d.Marks}
		},
	)
}

func checksPart(list []client.EndpointCheck) part {
	header := []string{"AT", "KIND", "MODE", "PLACE", "VANTAGE", "VERDICT", "STAGES", "CLASS", "DETAIL"}
	return table("Checks, newest first", header, list, func(x client.EndpointCheck) []string {
		return []string{
			when(x.At),
			string(x.Kind),
			string(x.Mode),
			string(x.Place),
			text(x.Vantage),
			string(x.Verdict),
			stagesText(x.Stages),
			text(x.Class),
			text(x.Detail),
		}
	})
}

// stagesText names the stages that were passed with their time, and the one that
// was not.
func stagesText(list []client.CheckStage) string {
	var words []string
	for _, s := range list {
		switch s.State {
		case client.StageStatePassed:
			words = append(words, string(s.Stage)+" "+itoa(s.Ms)+" ms")
		case client.StageStateFailed:
			words = append(words, string(s.Stage)+" failed")
		case client.StageStateSkipped, client.StageStateLeftOut, client.StageStateNotReached:
		}
	}
	return strings.Join(words, ", ")
}

func proofsPart(list []client.ControlProof) part {
	return table(
		"Proofs of control, newest first",
		[]string{"AT", "KIND", "HELD", "WHY", "AGAIN", "UNTIL"},
		list,
		func(p client.ControlProof) []string {
			return []string{
				when(p.At),
				string(p.Kind),
				yesNo(p.Held),
				text(p.Why),
				whenever(p.AgainAt),
				whenever(p.Until),
			}
		},
	)
}

// asked shows a server of which a check was asked for.
func asked(e client.CheckedEndpoint, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{value: e, parts: []part{endpointsPart([]client.CheckedEndpoint{e})}}, nil
}

func (a *app) recheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recheck LABEL",
		Short: "Ask for a check soon, at most once every ten minutes",
		Args:  cobra.ExactArgs(1),
	}
	return a.online(operator, cmd, func(c *call) (page, error) {
		p, err := asked(ok202(c.api.RecheckEndpointWithResponse(c.ctx, c.args[0])))
		if err == nil {
			c.talk(
				"A check was requested. It is made within a few minutes; causewayctl endpoints shows the result.",
			)
		}
		return p, err
	})
}

func (a *app) controlCommand() *cobra.Command {
	var check bool
	var kind string
	cmd := &cobra.Command{
		Use:   "control LABEL",
		Short: "Show how to prove that a server is yours, or request a try of the proof",
		Args:  cobra.ExactArgs(1),
		Long: "Show how to prove that a server is yours: by a credential that you put into its configuration, by a\n" +
			"challenge that is answered on its own port (causewayctl challenge-serve), or by a DNS record of its name. With\n" +
			"--check the proof is tried.",
	}
	cmd.Flags().BoolVar(&check, "check", false, "request a try of the proof")
	cmd.Flags().StringVar(
		&kind,
		"kind",
		"",
		"with --check: credential, port or dns (default: the strongest that the server has)",
	)
	complete(cmd, "kind", "credential", "port", "dns")
	return a.online(operator, cmd, func(c *call) (page, error) {
		if err := oneOf(cmd, "kind", "credential", "port", "dns"); err != nil {
			return page{}, err
		}
		if kind != "" && !check {
			return page{}, cli.UsageError{Err: errors.New("--kind works only with --check")}
		}
		if kind == "" {
			ways, err := ok200(c.api.GetControlWithResponse(c.ctx, c.args[0]))
			if err != nil || !check {
				return waysPage(ways), err
			}
			if len(ways.Items) == 0 {
				return page{}, errs.New(
					errs.Conflict,
					CodeNoWay,
					"There is no way to prove control of this server. Nothing was sent.",
				)
			}
			kind = string(ways.Items[0].Kind)
		}
		p, err := asked(
			ok202(c.api.ProveControlWithResponse(c.ctx, c.args[0], client.NewProof{Kind: client.ControlKind(kind)})),
		)
		if err == nil {
			c.talk(
				"The proof by %s is tried within a few minutes; causewayctl endpoints show %s shows the result.",
				kind,
				clean(c.args[0]),
			)
		}
		return p, err
	})
}

func waysPage(w client.ControlWays) page {
	header := []string{"KIND", "WHAT", "VALUE"}
	var cells [][]string
	for _, way := range w.Items {
		add := func(what, value string) {
			if value != "" {
				cells = append(cells, []string{string(way.Kind), what, value})
			}
		}
		if c := way.Credential; c != nil {
			add("user", text(c.User))
			add("password", text(c.Password))
			add("uuid", text(c.Uuid))
			add("secret", text(c.Secret))
			add("public key of a peer", text(c.PublicKey))
		}
		add("record", text(way.Name))
		if way.Command == nil {
			add("value", text(way.Token))
		}
		add("run", text(way.Command))
		add("until", whenever(way.Until))
	}
	return page{value: w, parts: []part{table("", header, cells, func(line []string) []string { return line })}}
}

func (a *app) rotateCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "rotate LABEL",
		Short: "Replace the credential that you were given with a new one",
		Args:  cobra.ExactArgs(1),
		Long: "Replace the credential that you were given with a new one. A proof by the old one becomes void: put the\n" +
			"new one into the server's configuration, then run causewayctl endpoints control --check.",
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return a.online(operator, cmd, func(c *call) (page, error) {
		if err := c.confirm(yes, "A proof by the old credential becomes void. Type rotate: ", "rotate"); err != nil {
			return page{}, err
		}
		ways, err := ok200(c.api.RotateControlWithResponse(c.ctx, c.args[0]))
		if err != nil {
			return page{}, err
		}
		return waysPage(ways), nil
	})
}

func (a *app) maintenanceCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "maintenance LABEL",
		Short: "Declare maintenance, which counts neither for nor against you",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&from, "from", "", "when it begins, like 2026-12-01T02:00:00Z")
	cmd.Flags().StringVar(&to, "to", "", "when it ends")
	return a.online(operator, making(cmd), func(c *call) (page, error) {
		begin, err := moment(c, "from", from)
		if err != nil {
			return page{}, err
		}
		end, err := moment(c, "to", to)
		if err != nil {
			return page{}, err
		}
		m, err := ok201(
			c.api.DeclareMaintenanceWithResponse(
				c.ctx,
				c.args[0],
				&client.DeclareMaintenanceParams{IdempotencyKey: c.key()},
				client.NewMaintenance{From: begin, To: end},
			),
		)
		if err != nil {
			return page{}, err
		}
		return page{
			value: m,
			parts: []part{record("from", when(m.From), "to", when(m.To), "declared_at", when(m.DeclaredAt))},
		}, nil
	})
}

// moment reads a time with its zone: what is a break here is none elsewhere.
func moment(c *call, flag, s string) (time.Time, error) {
	if err := cli.Need(c.cmd.Flags(), flag); err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, cli.UsageError{Err: fmt.Errorf("--%s: %q is not a time like 2026-12-01T02:00:00Z", flag, s)}
	}
	return t.UTC(), nil
}
