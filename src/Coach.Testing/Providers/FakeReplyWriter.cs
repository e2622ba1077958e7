using System.Text;
using Microsoft.AspNetCore.Http;

namespace Coach.Testing.Providers;

/// <summary>Sends a reply, or spoils it on the way as the fault says.</summary>
internal static class FakeReplyWriter
{
    public static async Task WriteAsync(
        HttpContext context, Func<FakeReply> make, ProviderFault? fault, string provider, TimeProvider time,
        CancellationToken cancellationToken)
    {
        switch (fault?.Kind)
        {
            case ProviderFault.FaultKind.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
                return;
            case ProviderFault.FaultKind.Reset:
                context.Abort();
                return;
            case ProviderFault.FaultKind.Status:
                await WriteStatusAsync(context, fault, provider, cancellationToken).ConfigureAwait(false);
                return;
            case ProviderFault.FaultKind.Garbage:
                await WriteWholeAsync(
                    context, FakeReply.Text("\u0001\u0002}}{not json\n\n%%%", "application/json"),
                    cancellationToken).ConfigureAwait(false);
                return;
        }

        FakeReply reply = make();
        if (reply.Events is { } events)
        {
            await WriteEventsAsync(context, reply, events, fault, provider, time, cancellationToken)
                .ConfigureAwait(false);
        }
        else if (fault is not null && BreaksOff(fault.Kind))
        {
            Begin(context, reply, length: null);
            await context.Response.Body.WriteAsync(
                reply.Body.AsMemory(0, reply.Body.Length / 2), cancellationToken).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
            await BreakAsync(context, fault, time, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            if (fault?.Kind == ProviderFault.FaultKind.SlowFirstToken)
            {
                await Task.Delay(fault.Delay, time, cancellationToken).ConfigureAwait(false);
            }

            await WriteWholeAsync(context, reply, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task WriteEventsAsync(
        HttpContext context, FakeReply reply, IReadOnlyList<string> events, ProviderFault? fault,
        string provider, TimeProvider time, CancellationToken cancellationToken)
    {
        Begin(context, reply, length: null);
        await context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (fault?.Kind == ProviderFault.FaultKind.SlowFirstToken)
        {
            await Task.Delay(fault.Delay, time, cancellationToken).ConfigureAwait(false);
        }

        bool isSpoilt = fault is not null
            && (BreaksOff(fault.Kind) || fault.Kind == ProviderFault.FaultKind.ErrorInStream);
        foreach (string text in isSpoilt ? events.Take(fault!.Events) : events)
        {
            await context.Response.Body
                .WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        if (fault?.Kind == ProviderFault.FaultKind.ErrorInStream)
        {
            await context.Response.Body.WriteAsync(
                Encoding.UTF8.GetBytes(ProviderErrorBodies.InStream(provider)),
                cancellationToken).ConfigureAwait(false);
        }
        else if (isSpoilt)
        {
            await BreakAsync(context, fault!, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool BreaksOff(ProviderFault.FaultKind kind) => kind
        is ProviderFault.FaultKind.Cut or ProviderFault.FaultKind.EndEarly or ProviderFault.FaultKind.HangAfter;

    private static async Task BreakAsync(
        HttpContext context, ProviderFault fault, TimeProvider time, CancellationToken cancellationToken)
    {
        switch (fault.Kind)
        {
            case ProviderFault.FaultKind.Cut:
                // Kestrel then closes the connection without the end of the body, after what was sent; Abort could
                // overtake it.
                throw new ConnectionCutException();
            case ProviderFault.FaultKind.HangAfter:
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Ends a connection on purpose.</summary>
    internal sealed class ConnectionCutException() : Exception("The connection is cut on purpose.");

    private static async Task WriteStatusAsync(
        HttpContext context, ProviderFault fault, string provider, CancellationToken cancellationToken)
    {
        FakeReply reply = fault.BodyText is { } body
            ? FakeReply.Text(body, fault.ContentType) with { Status = fault.StatusCode }
            : ProviderErrorBodies.ForStatus(provider, fault.StatusCode);
        reply =
            reply with { Headers = [.. reply.Headers, .. fault.Headers.Select(header => (header.Key, header.Value))] };
        await WriteWholeAsync(context, reply, cancellationToken).ConfigureAwait(false);
    }

    private static async Task WriteWholeAsync(HttpContext context, FakeReply reply, CancellationToken cancellationToken)
    {
        Begin(context, reply, reply.Body.Length);
        await context.Response.Body.WriteAsync(reply.Body, cancellationToken).ConfigureAwait(false);
    }

    private static void Begin(HttpContext context, FakeReply reply, long? length)
    {
        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = reply.ContentType;
        context.Response.ContentLength = length;
        foreach ((string name, string value) in reply.Headers)
        {
            context.Response.Headers[name] = value;
        }
    }
}
