package plan

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// TrialVoid builds the void that was asked for, and fills in its feerate.
func (f Family) TrialVoid(o *payout.VoidOrder, h payout.Holdings) (*txbuild.Plan, error) {
	newest := f.Rate(f.Newest())
	asked := cmp.Or(o.FeeRateSatKVB, newest+max(newest/4+1, f.RelaySatKVB))
	built, err := f.Replacement(payout.Voids, asked, payout.Evicted{}, nil, h)
	if errs.CodeOf(err) == errs.CodeFeeAboveCap {
		refused := errs.Newf(
			errs.Invalid,
			errs.CodeFeeAboveCap,
			"Taking this batch back would cost more than the %d sat that were approved for it. Nothing was asked for.",
			int64(f.Batch.MaxFee),
		)
		var e *errs.Error
		if errors.As(err, &e) && e.Params["fee_sat"] != "" {
			refused.Message = fmt.Sprintf(
				"Taking this batch back would cost at least %s sat, and %d sat are the most that was approved for it. Nothing was asked for.",
				e.Params["fee_sat"],
				int64(f.Batch.MaxFee),
			)
			refused.Params = map[string]string{
				"fee_sat": e.Params["fee_sat"],
				"limit":   strconv.FormatInt(int64(f.Batch.MaxFee), 10),
			}
		}
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if most := int64(txbuild.FeeRateOf(f.Batch.MaxFee, built.Weight)); o.FeeRateSatKVB > most {
		return nil, errs.InvalidFields([]errs.Field{
			{
				Field: "feerate_sat_kvb",
				Code:  errs.CodeOutOfRange,
				Message: fmt.Sprintf(
					"The feerate is at most %s sat/vB, which makes the %d sat that were approved for this batch.",
					money.FormatFeeRate(most),
					int64(f.Batch.MaxFee),
				),
				Params: map[string]string{"limit_sat_kvb": strconv.FormatInt(most, 10)},
			},
		})
	}
	o.FeeRateSatKVB = max(min(asked, int64(built.FeeRate)), 1)
	return built, nil
}
