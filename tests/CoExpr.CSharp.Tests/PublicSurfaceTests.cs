using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>What a C# program sees of the facade.</summary>
public class PublicSurfaceTests
{
    const BindingFlags Visible =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>A type and those that it is made of.</summary>
    static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType
            ? Parts(type.GetElementType()!)
            : type.GetGenericArguments().SelectMany(Parts).Prepend(type);

    static IEnumerable<Type> Of(MemberInfo member) =>
        member switch
        {
            MethodInfo method => method
                .GetParameters()
                .Select(parameter => parameter.ParameterType)
                .Append(method.ReturnType),
            ConstructorInfo constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
            PropertyInfo property => [property.PropertyType],
            FieldInfo field => [field.FieldType],
            EventInfo raised => [raised.EventHandlerType!],
            _ => [],
        };

    static IEnumerable<(string Where, Type Type)> Surface() =>
        from type in typeof(CoExpression).Assembly.GetExportedTypes()
        from member in type.GetMembers(Visible)
        from used in Of(member).SelectMany(Parts)
        select ($"{type.Name}.{member.Name}", used);

    [Test]
    public void NothingOfItIsOfFSharp()
    {
        var surface = Surface().ToArray();
        Assert.That(surface.Select(entry => entry.Where), Does.Contain("CoExpression.ComputeAsync"));
        Assert.That(surface.Where(entry => IsOfFSharp(entry.Type)), Is.Empty);
    }

    [Test]
    public void WhatItShowsOfTheCoreHasPlainPropertiesToo()
    {
        var shown = Surface()
            .Select(entry => entry.Type)
            .Where(type => type.Assembly == typeof(ModuleMember).Assembly)
            .Distinct()
            .ToArray();
        Assert.That(shown, Does.Contain(typeof(ModuleMember)));
        var properties = shown.SelectMany(type => type.GetProperties());
        Assert.That(properties.Where(property => Parts(property.PropertyType).Any(IsOfFSharp)), Is.Empty);
    }

    [Test]
    public void EveryErrorOfTheCoreHasItsKind()
    {
        var cases = typeof(CoExprError.Tags).GetFields().Select(field => field.Name);
        Assert.That(Enum.GetNames<CoExprErrorKind>(), Is.EquivalentTo(cases));
    }

    static bool IsOfFSharp(Type type) =>
        type.Namespace?.StartsWith("Microsoft.FSharp", StringComparison.Ordinal) == true;
}
