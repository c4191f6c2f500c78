# Empty on purpose: the machine's own would speak to every command that comes in.
[[ $- == *i* ]] && PS1='\u@\h (rehearsal):\w\$ '
true
