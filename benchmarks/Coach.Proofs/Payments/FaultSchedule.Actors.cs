using Coach.Payments;
using Coach.Testing;

namespace Coach.Proofs.Payments;

/// <content>Who acts: callers, reconciliation, payers, and those who deliver webhooks and ask for the status.</content>
internal sealed partial class FaultSchedule
{
    private async Task CallAsync(FaultProcess process, Operation operation, int tries)
    {
        for (int attempt = 0; attempt < tries && !process.IsDead; attempt++)
        {
            using CancellationTokenSource? leaves = _plan.IsStorm && _plan.Chance(0.15) ? new CancellationTokenSource(_plan.UpTo(TimeSpan.FromSeconds(20)), _clock) : null;
            try
            {
                Task<PaymentLink> call = process.Links.CreateAsync(operation.Request, leaves?.Token ?? CancellationToken.None);
                if (await Task.WhenAny(call, process.Death) != call)
                {
                    return;
                }

                PaymentLink link = await call;
                operation.Saw(link, isFinal: !_plan.IsStorm);
                return;
            }
            catch (PaymentException exception)
            {
                operation.LastError = exception.Message;
            }
            catch (OperationCanceledException) when (leaves is not null)
            {
            }

            await Task.Delay(_plan.UpTo(TimeSpan.FromSeconds(30)), _clock);
        }
    }

    private async Task ReconcileAsync(FaultProcess process)
    {
        if (_plan.IsStorm)
        {
            await Task.Delay(_plan.UpTo(TimeSpan.FromSeconds(60)), _clock);
        }

        try
        {
            Task<ReconciliationReport> pass = process.Links.ReconcileAsync();
            if (await Task.WhenAny(pass, process.Death) == pass)
            {
                _result.Reconciled += (await pass).Settled;
            }
        }
        catch (PaymentException)
        {
        }
    }

    private async Task PayAsync(FaultProcess process)
    {
        for (int i = _plan.Next(6); i > 0 && !process.IsDead; i--)
        {
            await Task.Delay(_plan.UpTo(TimeSpan.FromSeconds(30)), _clock);
            if (_fake.Links is not { Count: > 0 } links || _fake.OpenSession(links[_plan.Next(links.Count)].Id) is not { } session)
            {
                continue;
            }

            bool isDelayed = _plan.Chance(0.3);
            if (_plan.Chance(0.2) || _fake.Complete(session.Id, isPaid: !isDelayed) is null)
            {
                continue;
            }

            _result.Paid++;
            _webhooks.Add(_fake.BuildWebhook("checkout.session.completed", session.Id));
            if (isDelayed)
            {
                _fake.Settle(session.Id);
                _webhooks.Add(_fake.BuildWebhook("checkout.session.async_payment_succeeded", session.Id));
            }

            for (int delivery = _plan.Next(4); delivery > 0; delivery--)
            {
                await DeliverAsync(process, Fresh(_webhooks[_plan.Next(_webhooks.Count)]));
            }

            await CheckStatusAsync(process, session.LinkId);
        }
    }

    private async Task DeliverAsync(FaultProcess process, StripeWebhook webhook)
    {
        try
        {
            await Task.WhenAny(process.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader), process.Death).Unwrap();
        }
        catch (PaymentException exception) when (_plan.IsStorm || exception.Error != PaymentError.WebhookInvalid)
        {
        }

        await ObserveAsync();
    }

    private async Task CheckStatusAsync(FaultProcess process, string linkId)
    {
        try
        {
            await Task.WhenAny(process.Links.GetStatusAsync(linkId), process.Death).Unwrap();
        }
        catch (PaymentException)
        {
        }

        await ObserveAsync();
    }
}
