package ctl

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

const defaultTokenLife = 90 * 24 * time.Hour

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke your API tokens",
		Long: "Make, list and revoke your API tokens. A token cannot do this, so that a stolen one cannot make itself\n" +
			"permanent: use the profile page of the dashboard, or give the dashboard's session with --session-file.",
	}
	return group(cmd, a.tokenListCommand(), a.tokenCreateCommand(), a.tokenRevokeCommand())
}

var tokenHeader = []string{"ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST_USED", "REVOKED"}

func tokenLine(t client.Token) []string {
	return []string{
		t.Id.String(),
		t.Name,
		strings.Join(t.Scopes, " "),
		when(t.CreatedAt),
		when(t.ExpiresAt),
		whenever(t.LastUsedAt),
		whenever(t.RevokedAt),
	}
}

func (a *app) tokenListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List your API tokens", Args: cobra.NoArgs}
	return a.online(member, cmd, func(c *call) (page, error) {
		list, err := everyPage(func(cursor *string) ([]client.Token, *string, error) {
			p, err := ok200(c.api.ListTokensWithResponse(c.ctx, &client.ListTokensParams{Cursor: cursor}))
			return p.Items, p.NextCursor, err
		})
		if err != nil {
			return page{}, err
		}
		return page{value: client.TokenPage{Items: list}, parts: []part{table("", tokenHeader, list, tokenLine)}}, nil
	})
}

func (a *app) tokenCreateCommand() *cobra.Command {
	var name, out string
	var scopes []string
	var life time.Duration
	cmd := &cobra.Command{Use: "create", Short: "Make an API token; it is shown once", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&name, "name", "", "what it is for")
	cmd.Flags().StringSliceVar(
		&scopes,
		"scope",
		nil,
		"permission that it carries, as listed by whoami; may be given several times",
	)
	cmd.Flags().DurationVar(&life, "expires-in", defaultTokenLife, "how long it is valid, at most a year")
	cmd.Flags().StringVar(&out, "token-out", "", "new file to write the token to")
	return a.online(member, making(cmd), func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "name"); err != nil {
			return page{}, err
		}
		var made client.Token
		err := storeSecret("token-out", out, func() (string, error) {
			var err error
			made, err = ok201(
				c.api.CreateTokenWithResponse(
					c.ctx,
					&client.CreateTokenParams{IdempotencyKey: c.key()},
					client.NewToken{
						Name:      name,
						Scopes:    orEmpty(scopes),
						ExpiresAt: a.cfg.Clock.Now().Add(life).UTC().Truncate(time.Second),
					},
				),
			)
			return shownOnce(made.Token, made.Id, "token revoke", err)
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
				"scopes",
				strings.Join(made.Scopes, " "),
				"expires_at",
				when(made.ExpiresAt),
			),
		}}, err
	})
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke ID", Short: "Revoke one of your API tokens at once", Args: cobra.ExactArgs(1)}
	return a.online(member, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		t, err := ok200(c.api.RevokeTokenWithResponse(c.ctx, id))
		if err != nil {
			return page{}, err
		}
		return page{value: t, parts: []part{table("", tokenHeader, []client.Token{t}, tokenLine)}}, nil
	})
}

// shownOnce returns a token that was just made. One that an earlier attempt has made is
// not shown again.
func shownOnce(token *string, id uuid.UUID, end string, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case token == nil:
		return "", errs.Newf(
			errs.Conflict,
			CodeTokenShown,
			"An earlier attempt made it, and its token is shown only once. Run causewayctl %s %s, and make another.",
			end,
			id,
		)
	}
	return *token, nil
}
