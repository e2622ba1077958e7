using Coach.AspNetCore.Chat;
using Coach.Llm;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Says whose documents a question is answered from.</summary>
public static class CoachChatKnowledgeExtensions
{
    /// <summary>Chooses the scope of each caller; without this everybody asks the shared documents.</summary>
    /// <param name="chat">The pipeline: <c>builder.AddCoach().Chat</c>.</param>
    /// <param name="scope">Gives a caller's scope. A scope that nothing is registered for finds nothing.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static CoachChatBuilder UseKnowledge(
        this CoachChatBuilder chat, Func<ChatPipelineContext, KnowledgeScope> scope)
    {
        ArgumentNullException.ThrowIfNull(chat);
        ArgumentNullException.ThrowIfNull(scope);
        chat.Services.Replace(ServiceDescriptor.Singleton(new KnowledgeScopeSource(scope)));
        return chat;
    }
}
