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

    // The host's handler: fails now and then, may die before and after it did its work, and confirms what it did.
    private async Task HandleFactsAsync(FaultProcess process, int rounds)
    {
        for (int round = 0; round < rounds && !process.IsDead; round++)
        {
            if (_plan.IsStorm)
            {
                await Task.Delay(_plan.UpTo(TimeSpan.FromSeconds(90)), _clock);
            }

            await Task.WhenAny(HandleWaitingAsync(process), process.Death).Unwrap();
        }
    }

    private async Task HandleWaitingAsync(FaultProcess process)
    {
        try
        {
            foreach (PaymentFact dead in _plan.IsStorm ? [] : await process.Events.ListAsync(PaymentFactState.Dead))
            {
                await process.Events.ReplayAsync(dead);
            }

            while (await process.Events.ClaimAsync(8) is { Count: > 0 } facts)
            {
                foreach (PaymentFact fact in facts)
                {
                    await process.PointAsync();
                    if (_plan.IsStorm && _plan.Chance(0.2))
                    {
                        await process.Events.FailAsync(fact, "The host's database did not answer.");
                        continue;
                    }

                    _books.Do(fact);
                    await process.PointAsync();
                    await process.Events.ConfirmAsync(fact);
                }
            }
        }
        catch (PaymentException)
        {
        }
    }

    // Signed events of the other mode about links of this one: none may change anything.
    private async Task CrossModesAsync(FaultProcess process)
    {
        foreach (StripeFakeLink link in _fake.Links)
        {
            PaymentRecord? before = await _store.FindByLinkAsync(link.Id);
            string live = link.IsLive ? "false" : "true";
            string body = $$$$$"""{"id":"evt_cross_{{{{{link.Id}}}}}","type":"checkout.session.completed","livemode":{{{{{live}}}}},"data":{"object":{"id":"cs_cross_{{{{{link.Id}}}}}","payment_link":"{{{{{link.Id}}}}}","status":"complete","payment_status":"paid","amount_total":{{{{{link.AmountTotal}}}}},"currency":"{{{{{link.Currency}}}}}","metadata":{"coach_tag":"{{{{{link.Metadata["coach_tag"]}}}}}"}}}}""";
            try
            {
                StripeWebhook forged = StripeWebhook.Sign(System.Text.Encoding.UTF8.GetBytes(body), _fake.WebhookSecret, _clock.GetUtcNow());
                await process.Webhooks.HandleAsync(forged.Body, forged.SignatureHeader);
            }
            catch (PaymentException)
            {
            }

            if ((await _store.FindByLinkAsync(link.Id))?.Version != before?.Version)
            {
                _result.CrossedMode++;
                _result.Findings.Add($"{_name}: an event of the other mode changed {link.Id}");
            }
        }
    }
}
