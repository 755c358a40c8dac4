namespace CoExpr

open System

/// The order in which NumPy's plain `argsort` puts equal values: the scalar introsort that numpy up to 1.24 runs on every
/// machine, and later versions where they have no vectorised sort. Quicksort with the median of three, insertion sort
/// for 16 elements or fewer, heapsort where halving fails too often (Musser 1997); the order of ties is a fixed permutation.
[<RequireQualifiedAccess>]
module IntroSort =

    /// Ranges of so many elements are left to insertion sort.
    [<Literal>]
    let private Short = 16

    /// NaN comes after every number.
    let private isBefore (a: float) (b: float) =
        a < b || (Double.IsNaN b && not (Double.IsNaN a))

    let private swap (order: int[]) a b =
        let kept = order[a]
        order[a] <- order[b]
        order[b] <- kept

    let private insertion (values: float[]) (order: int[]) first last =
        for at in first + 1 .. last do
            let moving = order[at]
            let mutable place = at

            while place > first && isBefore values[moving] values[order[place - 1]] do
                order[place] <- order[place - 1]
                place <- place - 1

            order[place] <- moving

    /// Lets the element that is to stand at `root` sink in the heap of `count` elements from `first` on.
    let private sink (values: float[]) (order: int[]) first count root =
        let moving = order[first + root]
        let mutable hole = root
        let mutable child = 2 * root + 1
        let mutable isSinking = true

        while isSinking && child < count do
            if
                child + 1 < count
                && isBefore values[order[first + child]] values[order[first + child + 1]]
            then
                child <- child + 1

            if isBefore values[moving] values[order[first + child]] then
                order[first + hole] <- order[first + child]
                hole <- child
                child <- 2 * child + 1
            else
                isSinking <- false

        order[first + hole] <- moving

    let private heap (values: float[]) (order: int[]) first last =
        let count = last - first + 1

        for root in count / 2 - 1 .. -1 .. 0 do
            sink values order first count root

        for left in count - 1 .. -1 .. 1 do
            swap order first (first + left)
            sink values order first left 0

    /// Moves the median of the first, middle and last elements to the place before the last, and splits the elements between
    /// by it; gives where it ends up.
    let private split (values: float[]) (order: int[]) first last =
        let value at = values[order[at]]
        let middle = first + (last - first) / 2

        if isBefore (value middle) (value first) then
            swap order middle first

        if isBefore (value last) (value middle) then
            swap order last middle

        if isBefore (value middle) (value first) then
            swap order middle first

        let pivot = value middle
        let mutable low, high = first, last - 1
        swap order middle high
        let mutable isOpen = true

        while isOpen do
            low <- low + 1

            while isBefore (value low) pivot do
                low <- low + 1

            high <- high - 1

            while isBefore pivot (value high) do
                high <- high - 1

            if low >= high then isOpen <- false else swap order low high

        swap order low (last - 1)
        low

    /// A part that has waited is sorted by heap if no split is left to it, however short it is; the smaller part of a split does
    /// not wait, and is not asked.
    let rec private sort (values: float[]) (order: int[]) first last splits =
        if splits < 0 then
            heap values order first last
        else
            go values order first last splits

    and private go values order first last splits =
        if last - first < Short then
            insertion values order first last
        else
            let pivot = split values order first last

            if pivot - first < last - pivot then
                go values order first (pivot - 1) (splits - 1)
                sort values order (pivot + 1) last (splits - 1)
            else
                go values order (pivot + 1) last (splits - 1)
                sort values order first (pivot - 1) (splits - 1)

    /// The places of the values in rising order.
    let order (values: float[]) =
        let order = Array.init values.Length id

        if values.Length > 1 then
            sort values order 0 (values.Length - 1) (2 * Numerics.BitOperations.Log2(uint32 values.Length))

        order
