package ctl

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
)

func (a *app) fleetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Show all servers together, by protocol, country and prober",
		Args:  cobra.NoArgs,
	}
	a.online(staff, cmd, func(c *call) (page, error) {
		f, err := ok200(c.api.GetFleetWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		header := []string{"PROTOCOL", "COUNTRY", "VANTAGE", "UP", "DOWN", "UNKNOWN", "UNCHECKED", "PROVEN", "OLDEST"}
		return page{value: f, parts: withRows(
			table("", header, f.Rows, func(r client.FleetRow) []string {
				return []string{
					r.Protocol,
					r.Country,
					r.Vantage,
					itoa(r.Up),
					itoa(r.Down),
					itoa(r.Unknown),
					itoa(r.Unchecked),
					itoa(r.Proven),
					whenever(r.OldestAt),
				}
			}),
			part{title: "Waiting", text: waiting(f)}, vantagesPart("Probers", f.Vantages),
		)}, nil
	})
	cmd.AddCommand(a.panelCommand(), a.fleetRecheckCommand())
	return cmd
}

func waiting(f client.Fleet) string {
	out := fmt.Sprintf("%d checks are due, the first of them for %d s.", f.Waiting, f.LateS)
	if f.OldestAt != nil {
		out += " The server that waits longest was checked at " + when(*f.OldestAt) + "."
	}
	return out
}

func (a *app) panelCommand() *cobra.Command {
	var unseal bool
	var checks int32
	cmd := &cobra.Command{
		Use:   "show APPLICATION",
		Short: "Show the servers of an application as its reviewers see them",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&unseal, "unseal", false, "also show their connection details; every use is written to the "+
		"audit log")
	cmd.Flags().Int32Var(&checks, "checks", defaultChecks, "how many checks to show for each server")
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		items, err := everyPage(func(cursor *string) ([]client.CheckedEndpoint, *string, error) {
			p, err := ok200(
				c.api.ListEndpointsWithResponse(
					c.ctx,
					id,
					&client.ListEndpointsParams{Unseal: given(unseal), Checks: &checks, Cursor: cursor},
				),
			)
			return p.Items, p.NextCursor, err
		})
		list := client.EndpointPage{Items: items}
		if err != nil {
			return page{}, err
		}
		parts := []part{endpointsPart(list.Items)}
		for _, e := range list.Items {
			parts = append(parts, endpointPage(e).parts...)
		}
		return page{value: list, parts: parts}, nil
	})
}

func (a *app) fleetRecheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recheck ENDPOINT",
		Short: "Ask for a check of a server by its id",
		Args:  cobra.ExactArgs(1),
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		e, err := ok202(c.api.RecheckAsStaffWithResponse(c.ctx, id))
		if err != nil {
			return page{}, err
		}
		c.talk("A check was requested. It is made within a few minutes.")
		return endpointPage(e), nil
	})
}

func vantagesPart(title string, list []client.Vantage) part {
	header := []string{
		"ID",
		"NAME",
		"PLACE",
		"COUNTRY",
		"ASN",
		"STATE",
		"SEEN",
		"REPORTS",
		"CANARIES_RIGHT",
		"CANARIES_WRONG",
		"SOFTWARE",
	}
	return table(title, header, list, func(v client.Vantage) []string {
		return []string{
			v.Id.String(),
			v.Name,
			string(v.Place),
			v.Country,
			number(v.Asn),
			string(v.State),
			whenever(v.SeenAt),
			itoa(v.Reports),
			itoa(v.CanaryGood),
			itoa(v.CanaryBad),
			text(v.Software),
		}
	})
}

func (a *app) vantageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vantage",
		Short: "List, add and disable probers",
		Long: "List, add and disable probers. An API token cannot add or disable one: use the dashboard, or give the\n" +
			"dashboard's session with --session-file.",
	}
	return group(cmd, a.vantageListCommand(), a.vantageAddCommand(), a.vantageDisableCommand())
}

func (a *app) vantageListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the probers and how well they answer", Args: cobra.NoArgs}
	return a.online(staff, cmd, func(c *call) (page, error) {
		list, err := everyPage(func(cursor *string) ([]client.Vantage, *string, error) {
			p, err := ok200(c.api.ListVantagesWithResponse(c.ctx, &client.ListVantagesParams{Cursor: cursor}))
			return p.Items, p.NextCursor, err
		})
		if err != nil {
			return page{}, err
		}
		return page{value: client.VantagePage{Items: list}, parts: []part{vantagesPart("", list)}}, nil
	})
}

func (a *app) vantageAddCommand() *cobra.Command {
	var name, place, country, out string
	var asn uint32
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add a prober; its token is shown once",
		Args:  cobra.NoArgs,
		Long:  "Add a prober. Its token is shown once and works once: give it to causeway prober on the machine that checks.",
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "lower-case letters, digits and dashes, like fi-1")
	f.StringVar(&place, "place", string(client.PlaceOutside), "outside or inside the censored network")
	f.StringVar(&country, "country", "", "ISO 3166-1 code of the country that it is in")
	f.Uint32Var(&asn, "asn", 0, "AS number of the network that it is in; 0 if unknown")
	f.StringVar(&out, "token-out", "", "new file to write the token to")
	complete(cmd, "place", "outside", "inside")
	return a.online(member, making(cmd), func(c *call) (page, error) {
		if err := errors.Join(cli.Need(f, "name", "place"), oneOf(cmd, "place", "outside", "inside")); err != nil {
			return page{}, err
		}
		var made client.Vantage
		err := storeSecret("token-out", out, func() (string, error) {
			var err error
			made, err = ok201(
				c.api.AddVantageWithResponse(
					c.ctx,
					&client.AddVantageParams{IdempotencyKey: c.key()},
					client.NewVantage{
						Name: name, Place: client.Place(place), Country: given(country), Asn: given(int64(asn)),
					},
				),
			)
			return shownOnce(made.Token, made.Id, "vantage disable", err)
		})
		if made.Token == nil {
			return page{}, err
		}
		return page{value: made, parts: []part{
			record(
				"token",
				*made.Token,
				"id",
				made.Id.String(),
				"name",
				made.Name,
				"place",
				string(made.Place),
				"country",
				made.Country,
				"asn",
				number(made.Asn),
			),
		}}, err
	})
}

func (a *app) vantageDisableCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "disable ID",
		Short: "Disable a prober: it gets no more work, and its reports are refused",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return a.online(member, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		if err := c.confirm(yes, "This cannot be undone. Type disable: ", "disable"); err != nil {
			return page{}, err
		}
		v, err := ok200(c.api.DisableVantageWithResponse(c.ctx, id))
		if err != nil {
			return page{}, err
		}
		return page{value: v, parts: []part{vantagesPart("", []client.Vantage{v})}}, nil
	})
}
