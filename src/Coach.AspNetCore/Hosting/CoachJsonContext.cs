using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.AspNetCore.Callers;
using Coach.AspNetCore.Chat;
using Coach.AspNetCore.Credits;
using Coach.AspNetCore.Health;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Knowledge;
using Coach.AspNetCore.Payments;
using Coach.AspNetCore.Sessions;
using Coach.AspNetCore.Speech;
using Coach.AspNetCore.Usage;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// The JSON of every endpoint, generated when the package is built: trimmed and native hosts need no reflection.
/// </summary>
[JsonSerializable(typeof(ProblemResponse))]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(KeyResponse))]
[JsonSerializable(typeof(KeyProblemResponse))]
[JsonSerializable(typeof(SessionResponse))]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(ChatEvents))]
[JsonSerializable(typeof(ConversationResponse))]
[JsonSerializable(typeof(ErasedResponse))]
[JsonSerializable(typeof(ConversationsResponse))]
[JsonSerializable(typeof(ConversationSummary))]
[JsonSerializable(typeof(ConversationExport))]
[JsonSerializable(typeof(RenameRequest))]
[JsonSerializable(typeof(FeedbackRequest))]
[JsonSerializable(typeof(FeedbackBody))]
[JsonSerializable(typeof(KnowledgeResponse))]
[JsonSerializable(typeof(DocumentResponse))]
[JsonSerializable(typeof(UploadEvents))]
[JsonSerializable(typeof(RetrieveRequest))]
[JsonSerializable(typeof(RetrieveResponse))]
[JsonSerializable(typeof(ConfigResponse))]
[JsonSerializable(typeof(SpeechRequest))]
[JsonSerializable(typeof(SpeechProblemResponse))]
[JsonSerializable(typeof(CreateLinkRequest))]
[JsonSerializable(typeof(LinkResponse))]
[JsonSerializable(typeof(LinksResponse))]
[JsonSerializable(typeof(LinkPaymentsResponse))]
[JsonSerializable(typeof(TabResponse))]
[JsonSerializable(typeof(MenuResponse))]
[JsonSerializable(typeof(AddLineRequest))]
[JsonSerializable(typeof(TipRequest))]
[JsonSerializable(typeof(UsageResponse))]
[JsonSerializable(typeof(UsageTotalsResponse))]
[JsonSerializable(typeof(UsageVerification))]
[JsonSerializable(typeof(CreditsResponse))]
[JsonSerializable(typeof(BuyCreditsRequest))]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class CoachJsonContext : JsonSerializerContext;
