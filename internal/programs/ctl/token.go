package ctl

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
)

const defaultTokenLife = 90 * 24 * time.Hour

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "Make, list and revoke your API tokens",
		Long: "Make, list and revoke your API tokens. A token cannot do this, so that a stolen one cannot make itself\n" +
			"permanent: use the profile page of the dashboard, or give the dashboard's session with --session-file.",
	}
	return group(cmd, a.tokenListCommand(), a.tokenCreateCommand(), a.tokenRevokeCommand())
}

var tokenHeader = []string{"ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST_USED", "REVOKED"}

func tokenLine(t client.Token) []string {
	return []string{
		t.Id.String(), t.Name, strings.Join(t.Scopes, " "), when(t.CreatedAt), when(t.ExpiresAt), whenever(t.LastUsedAt), whenever(t.RevokedAt),
	}
}

func (a *app) tokenListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List your API tokens", Args: cobra.NoArgs}
	return a.online(member, cmd, func(c *call) (page, error) {
		list, err := ok200(c.api.ListTokensWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		return page{value: list, parts: []part{table("", tokenHeader, list.Items, tokenLine)}}, nil
	})
}

func (a *app) tokenCreateCommand() *cobra.Command {
	var name, out string
	var scopes []string
	var life time.Duration
	cmd := &cobra.Command{Use: "create", Short: "Make an API token; it is shown once", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&name, "name", "", "what it is for")
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "permission that it carries, as whoami lists them; may be given several times")
	cmd.Flags().DurationVar(&life, "expires-in", defaultTokenLife, "how long it works; at most a year")
	cmd.Flags().StringVar(&out, "token-out", "", "new file to write the token to")
	return a.online(member, cmd, func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "name"); err != nil {
			return page{}, err
		}
		var made client.CreatedToken
		err := storeSecret("token-out", out, func() (string, error) {
			var err error
			made, err = ok201(c.api.CreateTokenWithResponse(c.ctx, client.NewToken{
				Name: name, Scopes: orEmpty(scopes), ExpiresAt: a.cfg.Clock.Now().Add(life).UTC().Truncate(time.Second),
			}))
			return made.Token, err
		})
		if made.Token == "" {
			return page{}, err
		}
		return page{value: made, parts: []part{record(
			"token", made.Token, "id", made.Id.String(), "name", made.Name, "scopes", strings.Join(made.Scopes, " "), "expires_at", when(made.ExpiresAt),
		)}}, err
	})
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke ID", Short: "Revoke one of your API tokens at once", Args: cobra.ExactArgs(1)}
	return a.online(member, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		_, err = c.api.RevokeTokenWithResponse(c.ctx, id)
		return page{}, err
	})
}
