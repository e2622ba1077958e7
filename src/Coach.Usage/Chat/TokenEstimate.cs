using Microsoft.Extensions.AI;

namespace Coach.Usage.Chat;

/// <summary>
/// Tokens by the length of a text, where no provider counts: four ASCII characters a token, a token for any other
/// character, as tokenizers do on average. An estimate is always marked as one.
/// </summary>
internal static class TokenEstimate
{
    // Role and separators of a message, as chat templates add them.
    private const long PerMessage = 4;

    // What providers charge for a picture of usual size.
    private const long PerMedium = 1_600;

    public static long Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return 0;
        }

        long ascii = 0;
        foreach (char c in text)
        {
            ascii += char.IsAscii(c) ? 1 : 0;
        }

        return ((ascii + 3) / 4) + (text.Length - ascii);
    }

    public static long Of(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        long tokens = Of(options?.Instructions);
        foreach (ChatMessage message in messages)
        {
            tokens += PerMessage + Of(message.Contents);
        }

        foreach (AITool tool in options?.Tools ?? [])
        {
            tokens += Of(tool.Name) + Of(tool.Description)
                + Of((tool as AIFunctionDeclaration)?.JsonSchema.GetRawText());
        }

        return tokens;
    }

    public static long Of(IEnumerable<AIContent> contents)
    {
        long tokens = 0;
        foreach (AIContent content in contents)
        {
            tokens += content switch
            {
                TextContent text => Of(text.Text),
                TextReasoningContent reasoning => Of(reasoning.Text),
                FunctionCallContent call => Of(call.Name)
                    + (call.Arguments?.Sum(argument => Of(argument.Key) + Of(argument.Value?.ToString())) ?? 0),
                FunctionResultContent result => Of(result.Result?.ToString()),
                DataContent or UriContent => PerMedium,
                _ => 0,
            };
        }

        return tokens;
    }
}
