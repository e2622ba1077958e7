namespace Coach.Payments;

/// <summary>The service behind <see cref="IPaymentLinks"/>: creation here, status and reconciliation in the other parts.</summary>
internal sealed partial class PaymentLinkService(PaymentParts parts) : IPaymentLinks
{
    private static readonly TimeSpan ClaimPollInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public async Task<PaymentLink> CreateAsync(PaymentLinkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        RequestCheck.Check(request);
        cancellationToken.ThrowIfCancellationRequested();
        string tag = RequestHash.Tag(parts.Options.Namespace, request.Owner, request.OperationKey);
        PaymentRecord? known;
        try
        {
            known = await parts.Store.FindAsync(tag, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            parts.Metrics.Link("failed");
            throw PaymentException.StoreFailed(exception);
        }

        if (known is { State: PaymentRecordState.Completed } && RequestHash.IsPlainlySame(known.Request, request))
        {
            parts.Metrics.Link("replayed");
            return known.ToLink(isReplay: true);
        }

        RequestHash hash = RequestHash.Of(request);
        if (known is not null)
        {
            if (known.RequestHash != hash)
            {
                parts.Metrics.Link("failed");
                throw PaymentException.Conflict();
            }

            if (known.State == PaymentRecordState.Completed)
            {
                parts.Metrics.Link("replayed");
                return known.ToLink(isReplay: true);
            }
        }

        return await JoinAsync(tag, hash, request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<PaymentLink> JoinAsync(string tag, RequestHash hash, PaymentLinkRequest request, CancellationToken cancellationToken)
    {
        bool isFirst = false;
        Flight? flight;
        Task<PaymentLink> outcome;
        lock (_gate)
        {
            if (!_flights.TryGetValue(tag, out flight))
            {
                isFirst = true;
                flight = new Flight(hash);
                _flights.Add(tag, flight);
            }
            else if (flight.Hash != hash)
            {
                throw PaymentException.Conflict();
            }

            outcome = isFirst ? flight.Result : flight.Join();
            flight.Waiters++;
        }

        if (isFirst)
        {
            _ = RunAsync(tag, request, flight);
        }

        try
        {
            PaymentLink link = await outcome.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (isFirst || link.IsReplay)
            {
                return link;
            }

            parts.Metrics.Link("replayed");
            return link with { IsReplay = true };
        }
        finally
        {
            Leave(tag, flight);
        }
    }

    private void Leave(string tag, Flight flight)
    {
        lock (_gate)
        {
            if (--flight.Waiters > 0)
            {
                return;
            }

            // Whoever asks next starts anew, and waits for this one's claim to be given back.
            if (_flights.TryGetValue(tag, out Flight? current) && ReferenceEquals(current, flight))
            {
                _flights.Remove(tag);
            }
        }

        if (!flight.Result.IsCompleted)
        {
            flight.Abandon();
        }
    }

    private async Task RunAsync(string tag, PaymentLinkRequest request, Flight flight)
    {
        try
        {
            PaymentLink link = await ClaimAndCreateAsync(tag, flight.Hash, request, flight.Abandoned).ConfigureAwait(false);
            parts.Metrics.Link(link.IsReplay ? "replayed" : link.IsSimulated ? "simulated" : "created");
            Land(tag, flight);
            flight.Succeed(link);
        }
#pragma warning disable CA1031 // handed to everybody who waits
        catch (Exception exception)
#pragma warning restore CA1031
        {
            parts.Metrics.Link("failed");
            Land(tag, flight);
            flight.Fail(exception);
        }
    }

    private void Land(string tag, Flight flight)
    {
        lock (_gate)
        {
            if (_flights.TryGetValue(tag, out Flight? current) && ReferenceEquals(current, flight))
            {
                _flights.Remove(tag);
            }
        }
    }

    private async Task<PaymentLink> ClaimAndCreateAsync(string tag, RequestHash hash, PaymentLinkRequest request, CancellationToken cancellationToken)
    {
        long deadline = parts.Steps.DeadlineIn(parts.Options.TotalTimeout);
        var proposed = new PaymentRecord { Tag = tag, RequestHash = hash, Request = Freeze(request) };
        IdempotencyClaim claim = await ClaimAsync(proposed, cancellationToken).ConfigureAwait(false);
        return claim.Outcome == ClaimOutcome.Completed
            ? claim.Record.ToLink(isReplay: true)
            : await CreateClaimedAsync(claim.Record, deadline, cancellationToken).ConfigureAwait(false);
    }

    private async Task<PaymentLink> CreateClaimedAsync(PaymentRecord record, long deadline, CancellationToken cancellationToken)
    {
        var creation = new LinkCreation(parts, record, deadline, cancellationToken);
        bool isDone = false;
        try
        {
            PaymentLink link = await creation.ExecuteAsync().ConfigureAwait(false);
            isDone = true;
            return link;
        }
        finally
        {
            if (!isDone)
            {
                await creation.AbandonAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<IdempotencyClaim> ClaimAsync(PaymentRecord proposed, CancellationToken cancellationToken)
    {
        long until = parts.Steps.DeadlineIn(parts.Options.JoinTimeout);
        while (true)
        {
            IdempotencyClaim claim;
            try
            {
                claim = await parts.Store.ClaimAsync(proposed, parts.Options.LeaseDuration, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw PaymentException.StoreFailed(exception);
            }

            switch (claim.Outcome)
            {
                case ClaimOutcome.Conflict:
                    throw PaymentException.Conflict();
                case ClaimOutcome.InProgress when parts.Steps.Remaining(until) <= ClaimPollInterval:
                    throw PaymentException.InProgress(claim.RetryAfter);
                case ClaimOutcome.InProgress:
                    await Task.Delay(ClaimPollInterval, parts.Time, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    return claim;
            }
        }
    }

    // The caller's lists may change after the call; the record's must not.
    private static PaymentLinkRequest Freeze(PaymentLinkRequest request) => request.Items.Count == 0 && request.Metadata.Count == 0
        ? request
        : request with { Items = [.. request.Items], Metadata = new Dictionary<string, string>(request.Metadata, StringComparer.Ordinal) };
}
