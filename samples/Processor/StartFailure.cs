using Coach;
using Coach.Abstractions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Processor;

/// <summary>Why a host could not start, for a person: which setting, and what it may be.</summary>
internal static class StartFailure
{
    /// <summary>The sentence; null for what is nobody's setting, such as a bug.</summary>
    public static string? Describe(Exception exception) => exception switch
    {
        OptionsValidationException wrong => string.Join(' ', wrong.Failures),
        ProcessorException known => known.Message,
        CoachException known => known.Message,
        AggregateException many when many.Flatten().InnerExceptions.Select(Describe).ToArray() is var reasons
            && reasons.All(static reason => reason is not null) => string.Join(' ', reasons.Distinct()),

        // The configuration binder says key, value and type.
        InvalidOperationException bound when bound.Message.StartsWith("Failed to convert", StringComparison.Ordinal) =>
            KeyRedactor.Redact(bound.Message),
        IOException { InnerException: AddressInUseException } taken =>
            $"{taken.Message.TrimEnd('.')}. Stop what listens there, or choose another port with PORT=8081.",
        IOException { InnerException: System.Net.Sockets.SocketException } =>
            "The address cannot be used. Set HOST and PORT to an address of this machine and a free port.",
        _ => null,
    };
}
