namespace Coach.Llm.Telemetry;

/// <summary>
/// OpenTelemetry's names for generative AI, all in one place because they may still move
/// (open-telemetry/semantic-conventions-genai, "Development", November 2026).
/// </summary>
internal static class GenAINames
{
    public const string TokenUsage = "gen_ai.client.token.usage";
    public const string OperationDuration = "gen_ai.client.operation.duration";
    public const string TimeToFirstChunk = "gen_ai.client.operation.time_to_first_chunk";
    public const string TimePerOutputChunk = "gen_ai.client.operation.time_per_output_chunk";

    // The names of November 2026, for hosts that ask for them (OTEL_SEMCONV_STABILITY_OPT_IN).
    public const string InferenceDuration = "gen_ai.client.inference.duration";
    public const string InferenceTimeToFirstChunk = "gen_ai.client.inference.time_to_first_chunk";
    public const string InferenceTimePerOutputChunk = "gen_ai.client.inference.time_per_output_chunk";
    public const string InferenceInputTokens = "gen_ai.client.inference.operation.input_tokens";
    public const string InferenceOutputTokens = "gen_ai.client.inference.operation.output_tokens";
    public const string InferenceUsageInput = "gen_ai.client.inference.usage.input_tokens";
    public const string InferenceUsageOutput = "gen_ai.client.inference.usage.output_tokens";
    public const string EmbeddingsDuration = "gen_ai.client.embeddings.duration";
    public const string EmbeddingsInputTokens = "gen_ai.client.embeddings.operation.input_tokens";
    public const string TokenModality = "gen_ai.token.modality";
    public const string UsageCacheWrite = "gen_ai.usage.cache_write.input_tokens";

    public const string OperationName = "gen_ai.operation.name";
    public const string ProviderName = "gen_ai.provider.name";
    public const string TokenType = "gen_ai.token.type";
    public const string RequestModel = "gen_ai.request.model";
    public const string RequestMaxTokens = "gen_ai.request.max_tokens";
    public const string RequestTemperature = "gen_ai.request.temperature";
    public const string RequestTopP = "gen_ai.request.top_p";
    public const string RequestStopSequences = "gen_ai.request.stop_sequences";
    public const string RequestStream = "gen_ai.request.stream";
    public const string ResponseId = "gen_ai.response.id";
    public const string ResponseModel = "gen_ai.response.model";
    public const string ResponseFinishReasons = "gen_ai.response.finish_reasons";
    public const string ResponseTimeToFirstChunk = "gen_ai.response.time_to_first_chunk";
    public const string ConversationId = "gen_ai.conversation.id";
    public const string SystemInstructions = "gen_ai.system_instructions";
    public const string InputMessages = "gen_ai.input.messages";
    public const string OutputMessages = "gen_ai.output.messages";
    public const string UsageInput = "gen_ai.usage.input_tokens";
    public const string UsageOutput = "gen_ai.usage.output_tokens";
    public const string UsageCacheRead = "gen_ai.usage.cache_read.input_tokens";
    public const string UsageCacheCreation = "gen_ai.usage.cache_creation.input_tokens";
    public const string UsageReasoning = "gen_ai.usage.reasoning.output_tokens";
    public const string ServerAddress = "server.address";
    public const string ServerPort = "server.port";
    public const string ErrorType = "error.type";

    public const string Chat = "chat";
    public const string Embeddings = "embeddings";
    public const string Input = "input";
    public const string Output = "output";
    public const string Other = "_OTHER";

    public static readonly double[] DurationBuckets =
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    public static readonly long[] TokenBuckets =
        [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

    /// <summary>The class of an outcome, from a closed set.</summary>
    public static string ErrorClass(Exception exception) => exception switch
    {
        LlmException failure => ErrorClass(failure.Error),
        OperationCanceledException => "cancelled",
        _ => Other,
    };

    public static string ErrorClass(LlmError error) => error switch
    {
        LlmError.ProviderFailed => "provider_failed",
        LlmError.Unreachable => "unreachable",
        LlmError.TimedOut => "timed_out",
        LlmError.Unavailable => "unavailable",
        LlmError.InvalidResponse => "invalid_response",
        LlmError.ResponseTooLarge => "response_too_large",
        LlmError.StreamInterrupted => "stream_interrupted",
        LlmError.RequestRejected => "request_rejected",
        LlmError.ModelNotFound => "model_not_found",
        LlmError.ContextTooLong => "context_too_long",
        LlmError.UnknownProvider => "unknown_provider",
        LlmError.KeyMissing => "key_missing",
        LlmError.KeyMalformed => "key_malformed",
        LlmError.KeyInvalid => "key_invalid",
        LlmError.KeyExpired => "key_expired",
        LlmError.KeyRevoked => "key_revoked",
        LlmError.KeyWrongKind => "key_wrong_kind",
        LlmError.KeyRestricted => "key_restricted",
        LlmError.BillingRequired => "billing_required",
        LlmError.QuotaExhausted => "quota_exhausted",
        LlmError.RateLimited => "rate_limited",
        LlmError.RegionBlocked => "region_blocked",
        LlmError.WrongEndpoint => "wrong_endpoint",
        LlmError.LocalLimit => "local_limit",
        LlmError.SessionLimit => "session_limit",
        LlmError.SessionRequired => "session_required",
        LlmError.RefusedInMock => "refused_in_mock",
        _ => Other,
    };
}
