using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic.Exceptions;
using Coach.Llm;

namespace Coach.Proofs.Llm;

/// <summary>What the exceptions of the vendors' SDKs say, as the README of Coach.Llm shows it.</summary>
internal static class SdkFailures
{
    public static ProviderFailure? OpenAI(Exception exception) => exception is ClientResultException failure
        ? new ProviderFailure(failure.Status, Response(failure)?.Content.ToString(), Response(failure)?.Headers)
        : null;

    public static ProviderFailure? Anthropic(Exception exception) => exception switch
    {
        AnthropicApiException failure => new ProviderFailure((int)failure.StatusCode, failure.ResponseBody),
        AnthropicSseException failure => new ProviderFailure(null, failure.Body.GetRawText()),
        _ => null,
    };

    private static PipelineResponse? Response(ClientResultException failure) => failure.GetRawResponse();
}
