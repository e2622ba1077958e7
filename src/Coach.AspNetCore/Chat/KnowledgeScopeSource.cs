using Coach.Llm;
using Coach.Rag;

namespace Coach.AspNetCore.Chat;

/// <summary>The scope of a caller.</summary>
internal sealed record KnowledgeScopeSource(Func<ChatPipelineContext, KnowledgeScope> Scope);
