using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>
/// Signatures that providers attach to thoughts and calls and want back unchanged. Each is kept with where it came
/// from, so that none is ever sent to another provider, model or account, where it would be refused.
/// </summary>
internal static class ReasoningSignatures
{
    private const string Mark = "coach";
    private const string SignatureProperty = "coach.signature";

    /// <summary>The form in which a signature is kept in <see cref="TextReasoningContent.ProtectedData"/>.</summary>
    public static string Seal(string origin, string signature) => $"{Mark}|{origin}|{signature}";

    /// <summary>The signature, if it came from this origin.</summary>
    public static string? Open(string origin, string? sealedText) =>
        sealedText is not null
        && sealedText.StartsWith(Mark, StringComparison.Ordinal)
        && sealedText.AsSpan(Mark.Length + 1).StartsWith(origin, StringComparison.Ordinal)
        && sealedText.Length > Mark.Length + origin.Length + 1
        && sealedText[Mark.Length + 1 + origin.Length] == '|'
            ? sealedText[(Mark.Length + origin.Length + 2)..]
            : null;

    /// <summary>What must agree for a signature to be valid again.</summary>
    public static string Origin(string provider, string model, ApiKey key) => $"{provider}/{model}/{key.Fingerprint}";

    public static void Attach(FunctionCallContent call, string sealedText) =>
        (call.AdditionalProperties ??= [])[SignatureProperty] = sealedText;

    public static string? Of(FunctionCallContent call) =>
        call.AdditionalProperties?.TryGetValue(SignatureProperty, out object? value) == true
            ? value switch
            {
                string text => text,
                JsonElement stored => stored.AsText(), // what was kept as JSON and read again
                _ => null,
            }
            : null;

    /// <summary>The messages without thoughts and signatures: what another provider can take.</summary>
    public static IReadOnlyList<ChatMessage> Strip(IEnumerable<ChatMessage> messages) => [.. messages.Select(Strip)];

    private static bool IsOfItsProvider(AIContent content) =>
        content is TextReasoningContent || (content is FunctionCallContent call && Of(call) is not null);

    private static ChatMessage Strip(ChatMessage message)
    {
        if (!message.Contents.Any(IsOfItsProvider))
        {
            return message;
        }

        ChatMessage copy = message.Clone();
        copy.Contents = [.. message.Contents.Where(content => content is not TextReasoningContent).Select(Strip)];
        return copy;
    }

    private static AIContent Strip(AIContent content)
    {
        if (content is not FunctionCallContent call || Of(call) is null)
        {
            return content;
        }

        var properties = new AdditionalPropertiesDictionary(call.AdditionalProperties!);
        properties.Remove(SignatureProperty);
        return new FunctionCallContent(call.CallId, call.Name, call.Arguments)
        {
            AdditionalProperties = properties.Count == 0 ? null : properties,
            Annotations = call.Annotations,
            Exception = call.Exception,
        };
    }
}
